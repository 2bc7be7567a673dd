import Testing

@testable import KubeNetwork

@Suite struct NetworkQuestionTests {
    private static func name(_ namespace: String, _ name: String) -> ServiceName { ServiceName(namespace: namespace, name: name) }

    @Test(arguments: [
        ("web", NetworkQuestion.End.pod(name("default", "web"))), ("shop/web", .pod(name("shop", "web"))),
        ("pod/web", .pod(name("default", "web"))), ("shop/pod/web", .pod(name("shop", "web"))),
        ("service/web", .service(name("default", "web"))), ("svc/web", .service(name("default", "web"))),
        ("shop/service/web", .service(name("shop", "web"))), ("10.0.0.1", .address("10.0.0.1")),
        ("cluster/other", .cluster("other")), ("10.0.0.256", .pod(name("default", "10.0.0.256"))),
    ])
    func endsAreNamedAsInKubernetes(_ text: String, _ end: NetworkQuestion.End) throws {
        #expect(try NetworkQuestion(from: "a", to: text, port: 80, transport: nil).to == end)
    }

    @Test(arguments: [
        ("", "b", 80, "TCP", "from"), ("a", "", 80, "", "to"), ("a//b", "b", 80, "", "from"), ("a", "x/y/z", 80, "", "to"),
        ("a", "w/x/y/z", 80, "", "to"), ("service/a", "b", 80, "", "from"), ("a", "b", 0, "", "port"),
        ("a", "b", 65536, "", "port"),
        ("a", "b", nil, "", "port"), ("a", "1.2.3.4", nil, "", "port"), ("a", "b", 80, "ICMP", "protocol"),
        (String(repeating: "a", count: 600), "b", 80, "", "from"),
    ])
    func whatIsWrongIsSaidOfItsField(_ from: String, _ to: String, _ port: Int64?, _ transport: String, _ field: String) {
        let error = #expect(throws: NetworkQuestion.Problem.self) {
            try NetworkQuestion(from: from, to: to, port: port, transport: transport)
        }
        #expect(error?.field == field)
    }
}
