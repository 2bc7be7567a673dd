import Testing

@testable import KubeAPI

struct PageRewriterTests {
    private static let page = "<p>" + String(repeating: "text <a href=\"/x\">y</a> ", count: 20_000)
    private static let links = ProxyLinks(prefix: "/p/proxy", backend: "10.0.0.1:80", requestHost: "api:6443")

    private func text(_ packed: [UInt8], isBare: Bool) async throws -> String {
        var bytes: [UInt8] = []
        try await GzipDecoder(isBare: isBare).decode(packed) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: ["gzip", "deflate"], [1, 7, 4096])
    func packedPagesAreRewritten(_ coding: String, _ size: Int) async throws {
        let isBare = coding == "deflate"
        let encoder = try #require(GzipEncoder(isBare: isBare))
        let packed = try #require(encoder.encode(Array(Self.page.utf8), isLast: true))
        #expect(packed.starts(with: [0x1F, 0x8B]) != isBare)
        let rewriter = try #require(PageRewriter(links: Self.links, contentEncoding: coding))
        var output: [UInt8] = []
        for start in stride(from: 0, to: packed.count, by: size) {
            try await rewriter.rewrite(Array(packed[start..<min(start + size, packed.count)])) { output += $0 }
        }
        try await rewriter.finish { output += $0 }
        #expect(try await text(output, isBare: isBare) == Self.page.replacing("\"/x\"", with: "\"/p/proxy/x\""))
    }

    @Test func plainPagesAreRewrittenAndOthersLeftAlone() async throws {
        let rewriter = try #require(PageRewriter(links: Self.links, contentEncoding: ""))
        var output: [UInt8] = []
        try await rewriter.rewrite(Array("<a href=\"/x\"".utf8)) { output += $0 }
        try await rewriter.finish { output += $0 }
        #expect(String(decoding: output, as: UTF8.self) == "<a href=\"/x\"")
        #expect(PageRewriter(links: Self.links, contentEncoding: "br") == nil)
    }

    @Test func nonsenseIsAnError() async throws {
        let rewriter = try #require(PageRewriter(links: Self.links, contentEncoding: "gzip"))
        await #expect(throws: GzipDecoder.Unsound.self) { try await rewriter.rewrite(Array("<html>".utf8)) { _ in } }
    }
}
