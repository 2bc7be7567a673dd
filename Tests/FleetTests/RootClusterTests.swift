import Foundation
import KubeAPI
import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Testing

@testable import Fleet

@Suite struct RootClusterTests {
    /// A data directory of an earlier version goes on being usable: its clusters are nobody's.
    @Test func clustersWithoutANamespaceGetOne() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store.open(directory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let provisioner = ClusterProvisioner(
            registry: Registry(store: store),
            endpoint: .init(server: "https://127.0.0.1:1", certificateAuthority: { "" }, machine: ("127.0.0.1", 1)),
            identities: IdentityCache())
        let root = try await RootCluster.open(store, provisioner: provisioner)
        let group = Platform.group
        let plural = Platform.virtualClusters.resource
        let old: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": "demo", "uid": "u1"], "spec": [:],
        ]
        _ = try await root.commit([.put(try Draft(old), at: Key(group: group, plural: plural, namespace: "", name: "demo"))])
        for _ in 0..<2 {
            _ = try await RootCluster.open(store, provisioner: provisioner)
            let found = root.snapshot.list(prefix: Key.prefix(group: group, plural: plural, namespace: nil))
            #expect(found.map(\.metadata.namespace) == ["default"])
            #expect(found.map(\.metadata.uid) == ["u1"])
        }
        // One whose name has the separator in it isn't taken for a team's, whose reconciler would remove it.
        let named: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": "blue--demo", "uid": "u2"],
            "spec": [:],
        ]
        _ = try await root.commit([
            .put(try Draft(named), at: Key(group: group, plural: plural, namespace: "", name: "blue--demo"))
        ])
        _ = try await RootCluster.open(store, provisioner: provisioner)
        #expect(VirtualClusterAdmission.takenError("demo", namespace: "blue", in: root.snapshot) != nil)
        #expect(VirtualClusterAdmission.takenError("other", namespace: "blue", in: root.snapshot) == nil)
        #expect(VirtualClusterAdmission.takenError("demo", namespace: "default", in: root.snapshot) == nil)
        let roles = root.snapshot.list(
            prefix: Key.prefix(group: "rbac.authorization.k8s.io", plural: "clusterroles", namespace: nil))
        #expect(
            Set(roles.map(\.metadata.name)).isSuperset(of: ["sampan:team-owner", "sampan:team-developer", "sampan:team-viewer"]))
        await store.close()
    }
}
