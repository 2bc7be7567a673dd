import KubeObject
import KubeSchema
public import KubeStore

/// Says of the ranges that services get addresses from whether they are ready, and keeps one that is being deleted while addresses
/// would be left without a range. The range that a cluster began with gets its second family when the server has got one since.
/// Source: https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
public struct ServiceCIDRReconciler: Reconciler {
    static let finalizer = "networking.k8s.io/service-cidr-finalizer"
    /// How long a deleted range waits, so that who has just taken an address from it is seen.
    private static let grace = 10.0

    /// The server's own ranges, one or two.
    private let standard: [String]

    /// - Parameter standard: the server's own ranges, the one that clusters always had first.
    public init(standard: [String] = []) { self.standard = standard }

    public var name: String { "service-cidrs-controller" }
    public var concurrency: Int { 1 }
    public var watched: [String] { [Key.prefix(Resources.serviceCIDRs), Key.prefix(Resources.ipAddresses)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.object.kind == "ServiceCIDR" else {
            return event.type == .deleted ? Self.terminating(in: cluster) : []
        }
        // The range that every cluster begins with is as it should be.
        if event.type == .added, cluster.base.snapshot.get(event.key) === event.object, !isOutgrown(event.object) { return [] }
        let own = event.type == .deleted ? [] : [ObjectName(event.object.metadata)]
        return own + Self.terminating(in: cluster).filter { !own.contains($0) }
    }

    /// Source: KEP-1880, KEP-563
    private func isOutgrown(_ range: Object) -> Bool {
        guard range.metadata.name == "kubernetes", standard.count == 2, let first = standard.first else { return false }
        return range.tree[path: "spec", "cidrs"]?.strings == [first]
    }

    /// What another range, or an address less, may set free.
    private static func terminating(in cluster: LogicalCluster) -> [ObjectName] {
        cluster.snapshot.list(prefix: Key.prefix(Resources.serviceCIDRs)).map(\.metadata)
            .filter { $0.deletionTimestamp != nil }.map { ObjectName($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let resource = Resources.serviceCIDRs
        guard let range = work.object(resource) else { return .done }
        let metadata = range.metadata
        guard let deletion = metadata.deletionTimestamp else {
            if !metadata.finalizers.contains(Self.finalizer) {
                try await work.change(resource, metadata) { tree in
                    tree[path: "metadata", "finalizers"] = JSON(metadata.finalizers + [Self.finalizer])
                }
            }
            if isOutgrown(range) {
                try await work.change(resource, metadata) { [standard] tree in tree[path: "spec", "cidrs"] = JSON(standard) }
            }
            try await say(.true, reason: "", "Kubernetes Service CIDR is ready", of: range, work)
            return .done
        }
        guard metadata.finalizers.contains(Self.finalizer) else { return .done }
        let others = work.list(resource).filter { $0.metadata.name != metadata.name }.map(Self.networks)
        let addresses = work.list(Resources.ipAddresses).filter {
            $0.metadata.labels["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io"
        }.map(\.metadata.name)
        guard Self.canGo(Self.networks(of: range), others: others.flatMap(\.self), addresses: addresses) else {
            try await say(
                .false, reason: "Terminating",
                "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
                of: range, work)
            return .done
        }
        let left = (deletion.timestamp ?? 0) + Self.grace - work.now
        if left > 0 { return .after(seconds: left) }
        try await work.remove(Self.finalizer, from: range, resource)
        return .done
    }

    /// An IP network: its address and the length of its prefix in bits.
    struct Network: Equatable {
        let address: CELIP
        let prefix: Int

        func contains(_ other: CELIP) -> Bool {
            other.isV4 == address.isV4 && other.masked(prefix) == address.masked(prefix)
        }
    }

    static func networks(of range: Object) -> [Network] {
        (range.tree[path: "spec", "cidrs"]?.strings ?? []).compactMap { text in
            CELIP.cidr(text).map { Network(address: $0.0, prefix: $0.1) }
        }
    }

    /// Whether what a range holds is held by others too, or nothing of it is in use.
    static func canGo(_ own: [Network], others: [Network], addresses: [String]) -> Bool {
        let isInside = own.allSatisfy { network in
            others.contains { $0.prefix <= network.prefix && $0.contains(network.address) }
        }
        if isInside { return true }
        return !addresses.lazy.compactMap { CELIP($0) }.contains { address in
            own.contains { $0.contains(address) } && !others.contains { $0.contains(address) }
        }
    }

    private func say(_ status: Condition.Status, reason: String, _ message: String, of range: Object, _ work: Work) async throws {
        let current = Condition.find("Ready", in: range.tree["status"])
        if current?.status == status, current?.reason == reason { return }
        let time = Timestamp.format(work.now)
        do {
            try await work.change(Resources.serviceCIDRs, range.metadata, subresource: "status") { tree in
                var conditions = [Condition](of: tree["status"])
                conditions.update(Condition("Ready", status, reason: reason, message: message, lastTransitionTime: time))
                var list = conditions.map(\.tree)
                // The reason must be there, also where upstream gives none.
                for index in list.indices where list[index]["reason"] == nil { list[index]["reason"] = "" }
                tree[path: "status", "conditions"] = .array(list)
            }
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // Somebody else was quicker.
        }
    }
}
