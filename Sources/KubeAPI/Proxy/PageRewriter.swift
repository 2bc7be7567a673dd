/// Rewrites the links of an HTML page while it passes by, within those content codings that upstream looks into: the page is unpacked,
/// rewritten and packed again, a piece at a time.
///
/// Not for several tasks at once.
final class PageRewriter {
    private var rewriter: HTMLRewriter
    private let coding: (decoder: GzipDecoder, encoder: GzipEncoder)?

    /// Nil for a coding that nobody looks into: such a page passes as it is.
    ///
    /// - Parameter contentEncoding: the header field's value.
    init?(links: ProxyLinks, contentEncoding: String) {
        self.rewriter = HTMLRewriter(links: links)
        switch contentEncoding {
        case "", "identity": self.coding = nil
        case "gzip", "deflate":
            let isBare = contentEncoding == "deflate"
            guard let encoder = GzipEncoder(isBare: isBare) else { return nil }
            self.coding = (GzipDecoder(isBare: isBare), encoder)
        default: return nil
        }
    }

    /// - Throws: when the page isn't packed as it is said to be, or `take` does.
    func rewrite(_ piece: [UInt8], _ take: ([UInt8]) async throws -> Void) async throws {
        guard let coding else { return try await take(self.rewriter.rewrite(piece)) }
        try await coding.decoder.decode(piece) { text in
            let packed = coding.encoder.encode(self.rewriter.rewrite(text), isLast: false) ?? []
            if !packed.isEmpty { try await take(packed) }
        }
    }

    /// Gives what is left at the page's end.
    func finish(_ take: ([UInt8]) async throws -> Void) async throws {
        let rest = self.rewriter.finish()
        try await take(self.coding.map { $0.encoder.encode(rest, isLast: true) ?? [] } ?? rest)
    }
}
