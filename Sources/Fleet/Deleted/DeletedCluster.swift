import KubeObject
import KubeSchema
import KubeStore

/// A cluster that was deleted and is kept for a while, as its object says it. What it had is a retired cluster of the store, with the same uid.
struct DeletedCluster {
    static let finalizer = "sampan.dev/deleted-cluster"

    let object: Object

    init(_ object: Object) { self.object = object }

    private func text(_ field: String) -> String { object.tree[path: "spec", field]?.string ?? "" }

    /// What the cluster was called.
    var name: String { text("name") }
    /// The uid of its virtual cluster.
    var uid: String { text("clusterUID") }
    /// Until when it is kept, in seconds since 1970. One that can't be read isn't an end.
    var end: Double? { Timestamp.parse(text("expirationTime")) }
    var deleted: Double { Timestamp.parse(text("deletionTime")) ?? 0 }
    /// What its claims request, in bytes.
    var storage: Int64 { MachineLimits(object.tree["spec"])[.storage] ?? 0 }
    /// The virtual cluster's.
    var spec: JSON { object.tree[path: "spec", "virtualCluster"] ?? [:] }
    /// The logical cluster that it was.
    var logical: String { ClusterName.logical(namespace: object.metadata.namespace, name: name) }

    static func prefix(namespace: String?) -> String {
        Key.prefix(group: Platform.group, plural: Platform.deletedClusters.resource, namespace: namespace)
    }

    /// Follows from the cluster alone, so that a deletion that was interrupted finds it again.
    static func name(of cluster: Metadata) -> String { "\(cluster.name)-\(cluster.uid.prefix(8))" }

    /// The object of a virtual cluster that is deleted now.
    ///
    /// - Parameters:
    ///   - storage: what its claims request, in bytes.
    ///   - period: how long it is kept, in seconds.
    static func object(of cluster: Object, storage: Int64, now: Double, period: Double) -> JSON {
        var spec: JSON = [
            "name": .string(cluster.metadata.name), "clusterUID": .string(cluster.metadata.uid),
            "deletionTime": .string(Timestamp.format(now)), "expirationTime": .string(Timestamp.format(now + period)),
            "storage": .string(MachineAmounts.text(storage, .storage)), "virtualCluster": cluster.tree["spec"] ?? [:],
        ]
        for field in ["annotations", "labels"] { spec[field] = cluster.tree[path: "metadata", field] }
        if spec[path: "annotations", ArchivedArrivals.annotation] != nil {
            spec[path: "annotations", ArchivedArrivals.annotation] = nil
        }
        return [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "DeletedCluster",
            "metadata": ["name": .string(name(of: cluster.metadata)), "finalizers": [.string(finalizer)]],
            "spec": spec,
        ]
    }

    /// The virtual cluster that it becomes again.
    func virtualCluster(named name: String, beginsWith id: String) -> JSON {
        var metadata: JSON = ["name": .string(name), "namespace": .string(object.metadata.namespace)]
        for field in ["annotations", "labels"] { metadata[field] = object.tree[path: "spec", field] }
        metadata[path: "annotations", ArchivedArrivals.annotation] = .string(id)
        return [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "VirtualCluster", "metadata": metadata, "spec": spec,
        ]
    }
}

/// How long clusters are kept, and which have to make room. Pure.
enum DeletedClusterPlan {
    /// How many a team may have, and those that are nobody's.
    static let maximum = 10

    /// - Parameters:
    ///   - standing: the platform's time, in seconds; nothing is kept longer.
    /// - Returns: how long a cluster with this spec is kept, in seconds; 0 for not at all.
    static func period(_ spec: JSON, standing: Double) -> Double {
        guard let text = spec["keepDeletedFor"]?.string, !text.isEmpty, let own = Lifetime.seconds(text) else { return standing }
        return min(max(own, 0), standing)
    }

    /// Those of one namespace that go before their time, since there are more than may be: the oldest ones. The last that was deleted always
    /// stays.
    ///
    /// - Parameter storage: how much their claims may request together, in bytes; nil for any amount.
    static func surplus(_ kept: [DeletedCluster], storage: Int64?) -> [DeletedCluster] {
        let newest = kept.sorted {
            ($0.deleted, $0.object.metadata.name) > ($1.deleted, $1.object.metadata.name)
        }
        var sum: Int64 = 0
        for (index, cluster) in newest.enumerated() {
            let (total, isTooMuch) = sum.addingReportingOverflow(cluster.storage)
            let fits = !isTooMuch && total <= storage ?? .max
            if index > 0, !fits || index >= maximum { return Array(newest[index...]) }
            sum = isTooMuch ? .max : total
        }
        return []
    }
}
