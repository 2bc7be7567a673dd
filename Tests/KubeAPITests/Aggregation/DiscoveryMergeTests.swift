import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import NIOSSL
import Testing
import X509

@testable import KubeAPI

struct DiscoveryMergeTests {
    private func service(_ group: String, _ version: String, _ groupPriority: Int64, _ versionPriority: Int64) throws
        -> RemoteAPIService
    {
        try #require(
            RemoteAPIService(
                try Object(
                    [
                        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                        "metadata": ["name": .string("\(version).\(group)")],
                        "spec": [
                            "group": .string(group), "version": .string(version), "groupPriorityMinimum": .int(groupPriority),
                            "versionPriority": .int(versionPriority), "service": ["name": "s", "namespace": "n"],
                        ],
                        "status": ["conditions": [["type": "Available", "status": "True"]]],
                    ], resourceVersion: 1)))
    }

    private let list: JSON = [
        "resources": [
            ["name": "nodes", "singularName": "node", "namespaced": false, "kind": "NodeMetrics", "verbs": ["get", "list"]],
            ["name": "nodes/extra", "singularName": "", "namespaced": false, "kind": "Extra", "verbs": ["get"]],
            ["name": "orphans/sub", "kind": "X", "verbs": []],
        ]
    ]

    @Test func groupsComeAfterTheServersOwn() throws {
        let merge = DiscoveryMerge(services: [
            try service("b.io", "v1", 100, 10), try service("a.io", "v1beta1", 200, 5), try service("a.io", "v1", 100, 15),
        ]) { _ in nil }
        let own: JSON = ["name": "apps", "versions": [["groupVersion": "apps/v1", "version": "v1"]]]
        let groups = merge.groups(["kind": "APIGroupList", "groups": [own]])["groups"]?.elements ?? []
        #expect(groups.map { $0["name"]?.string } == ["apps", "a.io", "b.io"])
        #expect(groups[1]["versions"]?.elements.map { $0["version"]?.string } == ["v1", "v1beta1"])
        #expect(groups[1]["preferredVersion"]?["groupVersion"] == "a.io/v1")
        #expect(merge.group("a.io", local: nil)["kind"] == "APIGroup")
    }

    @Test func versionsJoinAGroupThatIsThere() throws {
        let merge = DiscoveryMerge(services: [try service("a.io", "v2", 100, 10)]) { _ in nil }
        let own: JSON = [
            "metadata": ["name": "a.io"], "versions": [["version": "v1", "freshness": "Current", "resources": []]],
        ]
        let items = merge.aggregated(["items": [own]])["items"]?.elements ?? []
        #expect(items.count == 1)
        #expect(items[0]["versions"]?.elements.map { $0["version"]?.string } == ["v1", "v2"])
        #expect(items[0]["versions"]?[1]?["freshness"] == "Stale")
    }

    @Test func resourcesHoldTheirSubresources() throws {
        let list = self.list
        let merge = DiscoveryMerge(services: [try service("metrics.io", "v1", 100, 10)]) { _ in list }
        let version = try #require(merge.aggregated(["items": []])["items"]?[0]?["versions"]?[0])
        #expect(version["freshness"] == "Current")
        let resources = version["resources"]?.elements ?? []
        #expect(resources.count == 1)
        #expect(resources[0]["scope"] == "Cluster")
        #expect(resources[0]["responseKind"]?["kind"] == "NodeMetrics")
        #expect(resources[0]["subresources"]?[0]?["subresource"] == "extra")
    }

    @Test func theFrontProxysAuthorityIsAlwaysTheSame() throws {
        let identity = try ClusterIdentity.generate(clusterName: "demo")
        let one = try FrontProxy.authority(identity)
        let other = try FrontProxy.authority(try ClusterIdentity(record: try identity.record()))
        #expect(one.certificate.publicKey == other.certificate.publicKey)
        #expect(one.certificate.subject == other.certificate.subject)
        #expect(one.certificate.publicKey != identity.clientAuthority.certificate.publicKey)
        let stranger = try FrontProxy.authority(try ClusterIdentity.generate(clusterName: "demo"))
        #expect(one.certificate.publicKey != stranger.certificate.publicKey)
        let map = try FrontProxy.configMap(identity)
        #expect(map["data"]?["requestheader-allowed-names"] == "[\"front-proxy-client\"]")
        _ = try FrontProxy.tls(identity, trust: Array(try one.pem().utf8))
        #expect(throws: (any Error).self) { try FrontProxy.tls(identity, trust: Array("nonsense".utf8)) }
    }

    @Test(arguments: [
        ("scopes", "scopes"), ("a/b", "a%2Fb"), ("A.b-c_d", "A.b-c_d"), ("ü", "%C3%BC"), ("%", "%25"), ("\n", "%0A"),
    ])
    func keysOfExtraAreEscaped(key: String, name: String) {
        #expect(ExtraKey.escape(key) == name)
    }
}
