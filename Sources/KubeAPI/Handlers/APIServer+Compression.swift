import HTTPTypes
import KubeObject

/// Long answers are compressed for clients that take gzip. What clients send is never decompressed.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#compression-of-responses
extension APIServer {
    /// In bytes: shorter answers are sent as they are.
    static let compressionThreshold = 128 << 10

    func compress(_ response: inout APIResponse, _ request: APIRequest) {
        guard Self.takesGzip(request), response.headers[.contentEncoding] == nil,
            Self.isCompressible(response.headers[.contentType] ?? "")
        else { return }
        switch response.body {
        case .bytes(let bytes) where bytes.count > Self.compressionThreshold:
            guard let encoder = GzipEncoder(), let compressed = encoder.encode(bytes, isLast: true) else { return }
            response.body = .bytes(compressed)
        case .stream(isEndless: false, _, let write):
            // Only what is too long to be held at once is streamed: it's beyond the threshold.
            guard let encoder = GzipEncoder() else { return }
            response.body = .stream(isEndless: false, weight: .heavy) { writer in
                let compressing = GzipWriter(writer, encoder)
                try await write(compressing)
                try await compressing.finish()
            }
        default: return
        }
        response.headers[.contentEncoding] = "gzip"
        let vary = response.headers[.vary]
        response.headers[.vary] = vary.map { "\($0), Accept-Encoding" } ?? "Accept-Encoding"
    }

    private static func takesGzip(_ request: APIRequest) -> Bool {
        request.headers[values: .acceptEncoding].contains { value in
            value.split(separator: ",").contains { $0.trimmingPrefix(while: \.isWhitespace) == "gzip" || $0 == "gzip " }
        }
    }

    private static func isCompressible(_ contentType: String) -> Bool {
        let name = MediaType(contentType).name
        return Representation.supported.contains(name)
    }
}

/// Compresses what is written through it.
final class GzipWriter: ResponseWriter {
    private let base: any ResponseWriter
    private let encoder: GzipEncoder

    init(_ base: any ResponseWriter, _ encoder: GzipEncoder) {
        self.base = base
        self.encoder = encoder
    }

    func write(_ bytes: [UInt8]) async throws { try await self.send(bytes, isLast: false) }

    /// Writes the trailer.
    func finish() async throws { try await self.send([], isLast: true) }

    private func send(_ bytes: [UInt8], isLast: Bool) async throws {
        guard let compressed = self.encoder.encode(bytes, isLast: isLast) else {
            throw StatusError.internalError("compressing a response: zlib refused its input")
        }
        if !compressed.isEmpty { try await self.base.write(compressed) }
    }
}
