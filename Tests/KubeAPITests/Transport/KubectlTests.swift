import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import Logging
import NIOPosix
import ServiceLifecycle
import TestPrograms
import Testing

@testable import KubeAPI

/// The stock kubectl against the server at a real port, by HTTP/2 and (for streams) WebSockets.
@Suite(.serialized, .enabled(if: hasProgram("kubectl"), "kubectl is not installed"))
struct KubectlTests {
    struct Failure: Error {
        var output: String
    }

    struct Client: Sendable {
        var kubeconfig: String

        func callAsFunction(_ arguments: String..., input: String? = nil, mayFail: Bool = false) async throws -> String {
            let result = try await runProgram(
                ["timeout", "30", "kubectl", "--kubeconfig", self.kubeconfig, "--cache-dir", self.kubeconfig + ".cache"]
                    + arguments,
                input: input)
            guard result.status == 0 || mayFail else { throw Failure(output: "\(arguments): \(result.output)") }
            return result.output
        }
    }

    private func withKubectl(_ body: @escaping @Sendable (Client, TestServer) async throws -> Void) async throws {
        try await withListeningServer { kubeconfig, server in try await body(Client(kubeconfig: kubeconfig), server) }
    }

    @Test func everydayCommandsWork() async throws {
        try await withKubectl { kubectl, _ in
            #expect(try await kubectl("version").contains("Server Version: v1.36"))
            #expect(try await kubectl("get", "namespaces").contains("kube-system"))
            #expect(try await kubectl("api-resources").contains("deployments"))
            _ = try await kubectl("create", "configmap", "a", "--from-literal=x=y")
            #expect(try await kubectl("get", "configmap", "a", "-o", "jsonpath={.data.x}") == "y")
            #expect(try await kubectl("create", "deployment", "web", "--image=x", "--replicas=2").contains("created"))
            #expect(try await kubectl("get", "deployments").contains("web"))
            _ = try await kubectl("scale", "deployment", "web", "--replicas=3")
            #expect(try await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "3")
            _ = try await kubectl("label", "configmap", "a", "k=v")
            _ = try await kubectl("annotate", "configmap", "a", "k=v")
            #expect(try await kubectl("get", "configmaps", "-l", "k=v", "-o", "name") == "configmap/a\n")
            let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {k: one}\n"
            #expect(try await kubectl("apply", "-f", "-", input: manifest).contains("created"))
            let changed = manifest.replacingOccurrences(of: "one", with: "two")
            #expect(try await kubectl("apply", "-f", "-", input: changed).contains("configured"))
            #expect(try await kubectl("apply", "-f", "-", input: changed).contains("unchanged"))
            #expect(try await kubectl("explain", "deployment.spec.replicas").contains("FIELD: replicas"))
            #expect(try await kubectl("auth", "can-i", "create", "pods") == "yes\n")
            #expect(try await kubectl("auth", "whoami").contains("admin"))
            #expect(try await kubectl("create", "token", "default").split(separator: ".").count == 3)
            _ = try await kubectl("delete", "configmap", "a", "b")
            #expect(try await kubectl("get", "configmap", "a", mayFail: true).contains(#"configmaps "a" not found"#))
            let unknown = try await kubectl("apply", "-f", "-", input: manifest + "nonsense: 1\n", mayFail: true)
            #expect(unknown.contains("nonsense"), "\(unknown)")
        }
    }

    @Test func streamsWork() async throws {
        try await withKubectl { kubectl, server in
            let created = try await server.send(
                .post, "/api/v1/namespaces/default/pods",
                body: [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
                    "spec": ["nodeName": "n", "containers": [["name": "a", "image": "i"]]],
                ])
            #expect(created.status == 201)
            #expect(try await kubectl("logs", "p") == "one\ntwo\n")
            #expect(try await kubectl("logs", "-f", "p") == "one\ntwo\n")
            _ = try await server.send(
                .patch, "/api/v1/namespaces/default/pods/p/status", raw: #"{"status":{"phase":"Running"}}"#,
                headers: [.contentType: "application/merge-patch+json"])
            let echoed = try await kubectl("exec", "p", "--", "echo", "hi")
            #expect(echoed.contains("hi\n") && echoed.contains("warned\n"), "\(echoed)")
            #expect(try await kubectl("exec", "-i", "p", "--", "cat", input: "through") == "through")
            let large = String(repeating: "0123456789", count: 100_000)
            #expect(try await kubectl("exec", "-i", "p", "--", "cat", input: large) == large)
            let failed = try await kubectl("exec", "p", "--", "fail", mayFail: true)
            #expect(failed.contains("command terminated with exit code 3"), "\(failed)")
        }
    }

    @Test func watchesShowChanges() async throws {
        try await withKubectl { kubectl, server in
            async let watched = kubectl("get", "configmaps", "--watch", "--request-timeout=3s", mayFail: true)
            try await Task.sleep(for: .seconds(1))
            try await server.createNamespacedConfigMap("appears")
            let output = try await watched
            #expect(output.contains("appears"), "\(output)")
        }
    }
}
