import KubeControllers
import KubeObject
public import KubeSchema
import KubeStore

/// How deleted clusters are kept.
public struct DeletedClusterKeeping: Sendable {
    let resource: ResourceType
    let period: Double

    /// - Parameters:
    ///   - resource: `deletedclusters`, as the root cluster's schema has it.
    ///   - period: how long, in seconds; 0 for not at all.
    public init(resource: ResourceType, period: Double) {
        self.resource = resource
        self.period = period
    }
}

// The end of a cluster: gone, or put away for a while.
extension VirtualClusterReconciler {
    /// First the object that tells of it, then the logical cluster, then the virtual cluster's finalizer: a kill in between goes on from there.
    func end(_ logical: String, _ object: Object?, _ work: Work) async throws {
        var end: Double?
        if let object, object.metadata.deletionTimestamp != nil { end = try await keptUntil(logical, object, work) }
        guard let end, let object else {
            try await remove(logical)
            return
        }
        try await retire(logical)
        work.report(
            .normal, "Kept",
            "The cluster is deleted, and kept until \(Timestamp.format(end)): `sampan cluster undelete` brings it back.",
            about: object)
    }

    private func retire(_ name: String) async throws {
        do {
            try await store.retireCluster(name)
        } catch StoreError.noSuchCluster {
            // A kill after this and before the finalizer went.
        }
    }

    /// Says by an object that the cluster is kept.
    ///
    /// - Returns: until when, in seconds since 1970; nil when it isn't.
    private func keptUntil(_ logical: String, _ object: Object, _ work: Work) async throws -> Double? {
        let period = DeletedClusterPlan.period(object.tree["spec"] ?? [:], standing: keeping.period)
        guard period > 0, let cluster = try await store.cluster(logical), cluster.uid == object.metadata.uid else { return nil }
        let isTold = try await tell(of: object, cluster, period: period, work)
        return isTold ? work.now + period : nil
    }

    /// - Returns: false when nothing can be kept where the cluster was, because its namespace goes as well.
    private func tell(of object: Object, _ cluster: LogicalCluster, period: Double, _ work: Work) async throws -> Bool {
        var amounts = MachineAmounts()
        for claim in cluster.snapshot.list(prefix: Key.prefix(group: "", plural: "persistentvolumeclaims")) {
            amounts += MachineCharge.claim(claim.tree)
        }
        do {
            try await work.create(
                DeletedCluster.object(of: object, storage: amounts[.storage], now: work.now, period: period), keeping.resource)
        } catch let error as StatusError where error.reason == "AlreadyExists" {
            // Made before a kill.
        } catch let error as StatusError where error.isNamespaceTerminating {
            return false
        }
        return true
    }

    func remove(_ name: String) async throws {
        do {
            try await store.deleteCluster(name)
        } catch StoreError.noSuchCluster {
            // A kill after the deletion and before the finalizer went.
        }
    }
}
