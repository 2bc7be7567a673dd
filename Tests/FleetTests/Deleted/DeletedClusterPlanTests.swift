import KubeObject
import Testing

@testable import Fleet

struct DeletedClusterPlanTests {
    private static func cluster(_ name: String, deleted minute: Int, storage: String = "0") throws -> DeletedCluster {
        let tree: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "DeletedCluster", "metadata": ["name": .string(name)],
            "spec": [
                "name": .string(name), "storage": .string(storage),
                "deletionTime": .string("2026-01-01T10:\(minute < 10 ? "0" : "")\(minute):00Z"),
            ],
        ]
        return DeletedCluster(try Draft(tree).sealed(resourceVersion: 1))
    }

    @Test(
        arguments: [
            (nil, 86_400.0, 86_400.0), ("", 60, 60), ("2h", 86_400, 7200), ("48h", 86_400, 86_400), ("0s", 86_400, 0),
            ("2h", 0, 0),
            ("nonsense", 60, 60),
        ] as [(String?, Double, Double)])
    func aClusterMayBeKeptForLessThanThePlatformKeepsIt(own: String?, standing: Double, expected: Double) {
        let spec: JSON = own.map { ["keepDeletedFor": .string($0)] } ?? [:]
        #expect(DeletedClusterPlan.period(spec, standing: standing) == expected)
    }

    @Test func theOldestMakeRoom() throws {
        let kept = try (0..<12).map { try Self.cluster("c\($0)", deleted: $0) }
        #expect(DeletedClusterPlan.surplus(Array(kept.prefix(10)), storage: nil).isEmpty)
        #expect(DeletedClusterPlan.surplus(kept, storage: nil).map(\.name) == ["c1", "c0"])
    }

    /// Together they may have no more storage than the team's clusters.
    @Test func storageIsBounded() throws {
        let kept = [
            try Self.cluster("old", deleted: 1, storage: "1Gi"), try Self.cluster("middle", deleted: 2, storage: "3Gi"),
            try Self.cluster("new", deleted: 3, storage: "2Gi"),
        ]
        #expect(DeletedClusterPlan.surplus(kept, storage: 6 << 30).isEmpty)
        #expect(DeletedClusterPlan.surplus(kept, storage: 5 << 30).map(\.name) == ["old"])
        #expect(DeletedClusterPlan.surplus(kept, storage: 4 << 30).map(\.name) == ["middle", "old"])
        // The last one always stays, as it could be when it was a cluster.
        #expect(DeletedClusterPlan.surplus(kept, storage: 0).map(\.name) == ["middle", "old"])
    }

    @Test func whatWasSaidOfAClusterComesBack() throws {
        let cluster: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster",
            "metadata": [
                "name": "demo", "namespace": "blue", "uid": "12345678-90ab", "labels": ["a": "b"],
                "annotations": ["note": "x", ArchivedArrivals.annotation: "gone"],
            ],
            "spec": ["description": "d", "podSecurity": "privileged"],
        ]
        var tree = DeletedCluster.object(
            of: try Draft(cluster).sealed(resourceVersion: 1), storage: 3 << 30, now: 1_767_261_600, period: 3600)
        tree[path: "metadata", "namespace"] = "blue"
        #expect(tree[path: "metadata", "name"] == "demo-12345678")
        let deleted = DeletedCluster(try Draft(tree).sealed(resourceVersion: 2))
        #expect((deleted.end ?? 0) - deleted.deleted == 3600)
        #expect((deleted.uid, deleted.logical, deleted.storage) == ("12345678-90ab", "blue--demo", 3 << 30))
        let again = deleted.virtualCluster(named: "other", beginsWith: "id")
        #expect(again["spec"] == cluster["spec"])
        #expect(again[path: "metadata", "labels"] == ["a": "b"])
        #expect(again[path: "metadata", "annotations"] == ["note": "x", ArchivedArrivals.annotation: "id"])
        #expect(again[path: "metadata", "name"] == "other")
    }
}
