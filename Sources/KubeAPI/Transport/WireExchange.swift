import HTTPTypes
import Synchronization

/// A response on a wire that another's response decides.
final class WireExchange: ResponseExchange {
    enum Outcome: Sendable {
        case open
        /// The head is out.
        case begun
        case upgraded
        /// All is out but the end.
        case ended
        case instead(APIResponse)
    }

    private let headers: HTTPFields
    private let isFinal: Bool
    private let source: PartSource
    private let wire: Wire
    private let state = Mutex(Outcome.open)

    init(headers: HTTPFields, isFinal: Bool, source: PartSource, wire: Wire) {
        self.headers = headers
        self.isFinal = isFinal
        self.source = source
        self.wire = wire
    }

    var outcome: Outcome { self.state.withLock { $0 } }

    func begin(status: Int, headers: HTTPFields) async throws -> any ResponseWriter {
        self.state.withLock { $0 = .begun }
        try await self.wire.write(.head(self.head(status, headers), isFinal: self.isFinal))
        return WireWriter(wire: self.wire)
    }

    func upgrade(headers: HTTPFields) async throws -> any ByteSession {
        self.state.withLock { $0 = .upgraded }
        guard try await self.source.drain(limit: 0) else { throw WireError.unexpectedPart }
        try await self.wire.write(.upgrade(self.head(101, headers), .bytes))
        return WireBytes(source: self.source, wire: self.wire)
    }

    func end(with response: APIResponse?) {
        self.state.withLock { state in
            switch state {
            case .open: state = response.map { .instead($0) } ?? .open
            case .begun: state = .ended
            case .upgraded, .ended, .instead: break
            }
        }
    }

    private func head(_ status: Int, _ headers: HTTPFields) -> HTTPResponse {
        var head = HTTPResponse(status: .init(code: status), headerFields: self.headers)
        for field in headers { head.headerFields.append(field) }
        return head
    }
}
