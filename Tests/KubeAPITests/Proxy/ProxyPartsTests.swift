import HTTPTypes
import KubeObject
import KubeRegistry
import Testing

@testable import KubeAPI

struct ProxyPartsTests {
    @Test(
        arguments: [
            ("web", "false web "), ("web:80", "false web 80"), ("web:http", "false web http"), ("https:web:", "true web "),
            ("https:web:1", "true web 1"), (":web:1", "false web 1"), ("ftp:web:1", nil), ("", nil), (":1", nil),
            ("a:b:c:d", nil),
        ] as [(String, String?)])
    func namesHaveSchemesAndPorts(text: String, expected: String?) {
        #expect(SchemeNamePort(text).map { "\($0.isHTTPS) \($0.name) \($0.port)" } == expected)
    }

    @Test(arguments: [
        ("/api/v1/namespaces/d/pods/p/proxy", "/api/v1/namespaces/d/pods/p/proxy", ""),
        ("/api/v1/namespaces/d/pods/p/proxy/", "/api/v1/namespaces/d/pods/p/proxy", "/"),
        ("/clusters/c/api/v1/namespaces/d/pods/p/proxy/a%20b/c", "/clusters/c/api/v1/namespaces/d/pods/p/proxy", "/a%20b/c"),
        ("/api/v1/namespaces/d/pods/p/proxy//a//b/", "/api/v1/namespaces/d/pods/p/proxy", "//a//b/"),
        ("/api/v1/namespaces/d/pods/p/proxy/proxy/x", "/api/v1/namespaces/d/pods/p/proxy", "/proxy/x"),
    ])
    func pathsAreCutAfterProxy(path: String, prefix: String, rest: String) {
        let bare = path.hasPrefix("/clusters/c") ? String(path.dropFirst("/clusters/c".count)) : path
        let info = RequestInfo(method: .get, path: bare, query: QueryItems(""))
        let found = ProxyPath(path, rest: info.rest.count)
        #expect(found.prefix == prefix)
        #expect(found.rest == rest)
    }

    private let links = ProxyLinks(prefix: "/p/proxy", backend: "10.0.0.1:80", requestHost: "api:6443")

    @Test(arguments: [
        ("/", "/p/proxy/"), ("/a?b=/c#d", "/p/proxy/a?b=/c#d"), ("a", "a"), ("?x", "?x"), ("", ""), ("#top", "#top"),
        ("/p/proxy/a", "/p/proxy/a"), ("http://10.0.0.1:80/a", "/p/proxy/a"), ("HTTP://10.0.0.1:80/a", "/p/proxy/a"),
        ("//10.0.0.1:80/a", "/p/proxy/a"), ("https://api:6443/a", "https://api:6443/p/proxy/a"),
        ("https://elsewhere/a", "https://elsewhere/a"), ("//elsewhere/a", "//elsewhere/a"), ("mailto:a@b", "mailto:a@b"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80"),
    ])
    func linksToTheBackendGoThroughTheProxy(link: String, expected: String) {
        #expect(links.rewrite(link) == expected)
    }

    private static let pages: [(String, String)] = [
        ("<a href=\"/x\">/y</a>", "<a href=\"/p/proxy/x\">/y</a>"),
        ("<A HREF='/x' class=\"/z\">", "<A HREF='/p/proxy/x' class=\"/z\">"),
        ("<img src=/x/y.png alt=/z>", "<img src=/p/proxy/x/y.png alt=/z>"),
        ("<a href=x><a href=\"http://h/\">", "<a href=x><a href=\"http://h/\">"),
        ("<form action=\"/post\" method=post>", "<form action=\"/p/proxy/post\" method=post>"),
        (
            "<script>if (a<b) '<a href=\"/x\">'</script><a href=\"/x\">",
            "<script>if (a<b) '<a href=\"/x\">'</script><a href=\"/p/proxy/x\">"
        ),
        ("<!-- <a href=\"/x\"> --><a href=\"/x\">", "<!-- <a href=\"/x\"> --><a href=\"/p/proxy/x\">"),
        ("<a title=\"a > b\" href=\"/x\">", "<a title=\"a > b\" href=\"/p/proxy/x\">"),
        ("<!DOCTYPE html></a href=\"/x\"><p>1 < 2", "<!DOCTYPE html></a href=\"/x\"><p>1 < 2"),
        ("<a href>", "<a href>"), ("<a href=>", "<a href=>"), ("<>", "<>"), ("<a href=\"/x", "<a href=\"/x"),
        ("<a =\"/x\" href = \"/y\"/>", "<a =\"/x\" href = \"/p/proxy/y\"/>"),
        ("<video poster=/a src=/b>", "<video poster=/p/proxy/a src=/p/proxy/b>"),
    ]

    @Test(arguments: ProxyPartsTests.pages) func pagesAreRewritten(page: String, expected: String) {
        for size in [1, 2, 3, 1000] {
            var rewriter = HTMLRewriter(links: links)
            var output: [UInt8] = []
            let bytes = Array(page.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                output += rewriter.rewrite(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            output += rewriter.finish()
            #expect(String(decoding: output, as: UTF8.self) == expected)
        }
    }

    @Test func anEndlessTagIsNotHeld() {
        var rewriter = HTMLRewriter(links: links)
        let page = Array("<a href=\"".utf8) + [UInt8](repeating: 0x61, count: 200_000)
        let output = rewriter.rewrite(page)
        #expect(output.count > 60_000)
        #expect(output + rewriter.finish() == page)
    }

    @Test func anyBytesPassWithoutHarm() {
        var numbers = SeededNumbers(state: 5)
        let alphabet = Array("<>/=\"' a!-\u{7f}href/x".utf8) + [0, 0xff, 10]
        for _ in 0..<20_000 {
            let page = (0..<Int.random(in: 0...40, using: &numbers)).map { _ in alphabet.randomElement(using: &numbers) ?? 0 }
            var rewriter = HTMLRewriter(links: links)
            let output = rewriter.rewrite(page) + rewriter.finish()
            #expect(output.count >= page.count)
        }
    }

    @Test func fieldsOfTheConnectionAndSecretsStayBehind() {
        let sent: HTTPFields = [
            .authorization: "Bearer secret", .connection: "keep-alive, X-Private", .init("X-Private")!: "1", .te: "trailers",
            .init("Keep-Alive")!: "1", .impersonateUser: "root", .init("Impersonate-Extra-a")!: "b", .userAgent: "test",
            .init("X-Forwarded-For")!: "1.1.1.1", .init("Proxy-Authorization")!: "x",
        ]
        let passed = ProxyHeaders.request(sent, clientAddress: "2.2.2.2", keepsUpgrade: false)
        #expect(passed.map(\.name.canonicalName).sorted() == ["user-agent", "x-forwarded-for"])
        #expect(passed[.xForwardedFor] == "1.1.1.1, 2.2.2.2")
        let upgrade: HTTPFields = [
            .connection: "Upgrade", .upgrade: "websocket", .webSocketProtocol: "base64url.bearer.authorization.k8s.io.eA, chat",
        ]
        let kept = ProxyHeaders.request(upgrade, clientAddress: "", keepsUpgrade: true)
        #expect(kept[.upgrade] == "websocket")
        #expect(kept[.webSocketProtocol] == "chat")
    }
}
