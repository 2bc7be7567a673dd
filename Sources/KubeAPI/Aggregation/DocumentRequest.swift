import KubeObject
import NIOCore
import NIOHTTP1

/// A document that this server asks an extension API server for, on its own account.
struct DocumentRequest: Sendable {
    struct Answer: Sendable {
        var bytes: [UInt8]
        /// Empty when the server gave none.
        var etag: String
    }

    struct BadStatus: Error {
        var status: Int
        /// The beginning of what came with it.
        var body: [UInt8] = []
    }

    /// How much of a refusal's body is looked at, in bytes.
    private static let refusalLimit = 16 << 10

    var path: String
    /// Who it is asked as.
    var user: String
    var groups: [String] = []
    /// What the last answer was tagged with, if there was one.
    var knownETag = ""
    /// The largest answer that is taken, in bytes.
    var limit = 1 << 20
    /// What the answer may take.
    var timeout = Duration.seconds(5)

    /// Asks.
    ///
    /// - Returns: nil when what is known already still holds.
    /// - Throws: `BadStatus`, or what went wrong on the way.
    func send(to backend: Backend) async throws -> Answer? {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask { try await self.exchange(with: backend) }
            group.addTask {
                try await Task.sleep(for: self.timeout)
                throw Unanswered()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func exchange(with backend: Backend) async throws -> Answer? {
        let connection = try await backend.connect()
        return try await connection.executeThenClose { inbound, outbound -> Answer? in
            try await outbound.write(contentsOf: [.head(self.head(backend)), .end])
            var answer = Answer(bytes: [], etag: "")
            var refusal: BadStatus?
            for try await part in inbound {
                switch part {
                case .head(let head):
                    if head.status == .notModified, !self.knownETag.isEmpty { return nil }
                    guard (200..<300).contains(head.status.code) else {
                        refusal = BadStatus(status: Int(head.status.code))
                        continue
                    }
                    answer.etag = head.headers.first(name: "ETag") ?? ""
                case .body(let piece) where refusal != nil:
                    refusal?.body += piece.readableBytesView.prefix(Self.refusalLimit)
                    if let refusal, refusal.body.count >= Self.refusalLimit { throw refusal }
                case .body(let piece):
                    answer.bytes += piece.readableBytesView
                    guard answer.bytes.count <= self.limit else { throw ByteLimitError() }
                case .end:
                    if let refusal { throw refusal }
                    return answer
                }
            }
            throw Proxy.BackendClosed()
        }
    }

    private func head(_ backend: Backend) -> HTTPRequestHead {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: self.path)
        head.headers = [
            "Host": backend.authority, "Accept": "application/json", "User-Agent": "sampan", "X-Remote-User": self.user,
        ]
        for group in self.groups { head.headers.add(name: "X-Remote-Group", value: group) }
        if !self.knownETag.isEmpty { head.headers.add(name: "If-None-Match", value: self.knownETag) }
        return head
    }

    private struct ByteLimitError: Error, CustomStringConvertible {
        let description = "the answer is too large"
    }

    struct Unanswered: Error, CustomStringConvertible {
        let description = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    }
}
