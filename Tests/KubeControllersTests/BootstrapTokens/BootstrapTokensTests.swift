import FoundationEssentials
import KubeObject
import KubeRegistry
import Testing

@testable import KubeControllers

@Suite struct BootstrapTokensTests {
    private func secret(_ id: String, _ more: [String: String] = [:]) -> JSON {
        let data = ["token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true"]
        let encoded = data.merging(more) { $1 }.mapValues { Data($0.utf8).base64EncodedString() }
        return [
            "apiVersion": "v1", "kind": "Secret",
            "metadata": ["name": .string("bootstrap-token-\(id)"), "namespace": "kube-system"],
            "type": .string(BootstrapTokenSecret.secretType), "data": JSON(encoded),
        ]
    }

    /// What Python's hmac gives.
    @Test func aSignatureIsAsOthersMakeIt() throws {
        let token = try #require(BootstrapTokenSecret(Samples.object(secret("abcdef"))))
        #expect(
            BootstrapSigner.signature(of: "apiVersion: v1\n", by: token)
                == "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..K1chermAQEq0rdqy-ehj0VDfmA_ytv8Wzh9g26FldrE")
    }

    @Test func whatIsSaidOfTheClusterIsSignedByTheTokensThatAreLeft() async throws {
        try await Fixture.run { cluster in
            func signers() -> [String] {
                let data = cluster.get(Resources.configMaps, "cluster-info", namespace: "kube-public")?.tree["data"]?.stringMap
                return (data ?? [:]).keys.filter { $0.hasPrefix("jws-") }.sorted()
            }
            func create(_ secret: JSON) async throws {
                try await cluster.create(secret, Resources.secrets, namespace: "kube-system")
            }
            try await create(secret("abcdef"))
            try await create(secret("unmeant", ["usage-bootstrap-signing": "false"]))
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "cluster-info", "namespace": "kube-public"],
                    "data": ["kubeconfig": "apiVersion: v1\n", "jws-kubeconfig-forged": "x"],
                ], Resources.configMaps, namespace: "kube-public")
            try await eventually { signers() == ["jws-kubeconfig-abcdef"] }
            try await create(secret("second", ["expiration": Timestamp.format(Timestamp.seconds + 3600)]))
            try await eventually { signers() == ["jws-kubeconfig-abcdef", "jws-kubeconfig-second"] }
            let soon = Data(Timestamp.format(Timestamp.seconds + 2).utf8).base64EncodedString()
            try await cluster.change(Resources.secrets, "bootstrap-token-second", namespace: "kube-system") {
                $0["data"]?["expiration"] = .string(soon)
            }
            try await eventually {
                cluster.get(Resources.secrets, "bootstrap-token-second", namespace: "kube-system") == nil
                    && signers() == ["jws-kubeconfig-abcdef"]
            }
        }
    }
}
