import KubeObject
import Testing

@testable import KubeClient

@Suite struct CredentialCommandTests {
    private static func configuration(_ exec: JSON, directory: String = "/home/jane") throws -> ClientConfiguration {
        let file = try Kubeconfig(
            parsing: Array(
                JSON.object([
                    "apiVersion": "v1", "kind": "Config", "current-context": "c",
                    "clusters": [["name": "c", "cluster": ["server": "https://127.0.0.1:1"]]],
                    "contexts": [["name": "c", "context": ["cluster": "c", "user": "u"]]],
                    "users": [["name": "u", "user": ["exec": exec]]],
                ]).text.utf8))
        return try ClientConfiguration(file, directory: directory)
    }

    private static let token: JSON = [
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": ["token": "t"],
    ]

    @Test func `what the program gives is the credential`() async throws {
        let configuration = try Self.configuration([
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", "echo \"$ANSWER\"; echo \"$KUBERNETES_EXEC_INFO\" | grep -q client.authentication.k8s.io/v1"],
            "env": [["name": "ANSWER", "value": .string(Self.token.text)]],
        ])
        #expect(try await configuration.resolved().credentials == .token("t"))
    }

    @Test func `a program that fails says why`() async throws {
        let configuration = try Self.configuration([
            "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "sh",
            "args": ["-c", "echo log in first >&2; exit 3"],
        ])
        await #expect(throws: KubeconfigError("the user's credential comes from sh, which failed: log in first")) {
            try await configuration.resolved()
        }
        let missing = try Self.configuration(["apiVersion": "client.authentication.k8s.io/v1", "command": "./not-there"])
        await #expect(throws: KubeconfigError.self) { try await missing.resolved() }
    }

    @Test(
        arguments: [
            ([:], nil), (["kind": "ExecCredential", "status": [:]], nil), (["kind": "Pod", "status": ["token": "t"]], nil),
            (["kind": "ExecCredential", "status": ["clientCertificateData": "c"]], nil),
            (["kind": "ExecCredential", "status": ["token": "t"]], .token("t")),
            (
                ["kind": "ExecCredential", "status": ["clientCertificateData": "c", "clientKeyData": "k"]],
                .certificate(chain: Array("c".utf8), key: Array("k".utf8))
            ),
        ] as [(JSON, ClientConfiguration.Credentials?)])
    func `answers are read`(_ answer: JSON, _ expected: ClientConfiguration.Credentials?) throws {
        if let expected {
            #expect(try CredentialCommand.credentials(answer.text, from: "x") == expected)
        } else {
            #expect(throws: KubeconfigError.self) { try CredentialCommand.credentials(answer.text, from: "x") }
        }
    }

    @Test func `paths are the file's, and versions are known ones`() throws {
        let known = try Self.configuration(["apiVersion": "client.authentication.k8s.io/v1", "command": "bin/get"])
        guard case .exec(let command) = known.credentials else {
            Issue.record("no command")
            return
        }
        #expect(command.command == "/home/jane/bin/get")
        #expect(throws: KubeconfigError.self) {
            try Self.configuration(["apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"])
        }
        #expect(throws: KubeconfigError.self) { try Self.configuration(["apiVersion": "client.authentication.k8s.io/v1"]) }
    }
}
