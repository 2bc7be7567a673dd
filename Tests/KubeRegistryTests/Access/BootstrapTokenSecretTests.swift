import FoundationEssentials
import KubeObject
import Testing

@testable import KubeRegistry

@Suite struct BootstrapTokenSecretTests {
    private func secret(
        name: String = "bootstrap-token-abcdef", type: String = BootstrapTokenSecret.secretType, _ data: [String: String]
    ) throws -> Object {
        let encoded = data.mapValues { Data($0.utf8).base64EncodedString() }
        return try Object(
            [
                "kind": "Secret", "metadata": ["name": .string(name), "namespace": "kube-system"], "type": .string(type),
                "data": JSON(encoded),
            ], resourceVersion: 1)
    }

    private let data = ["token-id": "abcdef", "token-secret": "0123456789abcdef"]

    @Test func aSecretSaysWhatItsTokenIsFor() throws {
        let token = try #require(
            BootstrapTokenSecret(
                secret(data.merging(["usage-bootstrap-signing": "true", "usage-bootstrap-authentication": "no"]) { $1 })))
        #expect(token.id == "abcdef" && token.secret == "0123456789abcdef" && token.usages == ["signing"])
        #expect(token.groups == ["system:bootstrappers"] && token.expiration == nil && !token.isExpired(at: 1e12))
        #expect(try BootstrapTokenSecret(secret(type: "Opaque", data)) == nil)
        #expect(try BootstrapTokenSecret(secret(name: "bootstrap-token-others", data)) == nil)
        #expect(try BootstrapTokenSecret(secret(["token-id": "abcdef"])) == nil)
    }

    @Test(arguments: [("2026-01-01T00:00:10Z", false), ("2025-12-31T23:59:59Z", true), ("tomorrow", true)])
    func itsTimeIsOver(expiration: String, isExpired: Bool) throws {
        let token = try #require(BootstrapTokenSecret(secret(data.merging(["expiration": expiration]) { $1 })))
        #expect(token.isExpired(at: try #require(Timestamp.parse("2026-01-01T00:00:00Z"))) == isExpired)
    }

    @Test(arguments: [
        ("system:bootstrappers:nodes", ["system:bootstrappers", "system:bootstrappers:nodes"]),
        (
            "system:bootstrappers:b,system:bootstrappers:a-1",
            ["system:bootstrappers", "system:bootstrappers:a-1", "system:bootstrappers:b"]
        ),
        ("system:masters", nil), ("system:bootstrappers:", nil), ("system:bootstrappers:A", nil),
        ("system:bootstrappers:a:", nil),
        ("system:bootstrappers:a,", nil),
    ])
    func itGivesNoGroupsButItsOwn(text: String, groups: [String]?) throws {
        let token = try #require(BootstrapTokenSecret(secret(data.merging(["auth-extra-groups": text]) { $1 })))
        #expect(token.groups == groups)
    }

    @Test(arguments: [
        ("abcdef.0123456789abcdef", true), ("abcdef.0123456789abcde", false), ("ABCDEF.0123456789abcdef", false),
        ("abcdef.0123456789abcdef.", false), ("abcdef0123456789abcdef", false), ("", false),
    ])
    func onlyOneFormIsOne(token: String, isOne: Bool) {
        #expect((BootstrapTokenSecret.parse(token) != nil) == isOne)
    }
}
