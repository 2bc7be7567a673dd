import KubeObject
import KubeStore

/// Turns changes into work: finds the reconcilers that watch a change's resource, asks them for keys and puts those into their queues.
///
/// Looking a change's resource up is one dictionary access; for a resource that nobody watches nothing is decoded.
struct EventRouter: Sendable {
    struct Route: Sendable {
        var reconciler: any Reconciler
        var queue: WorkQueue
    }

    let routes: [Route]
    /// Indices into `routes`, by the resource's prefix.
    private let byPrefix: [String: [Int]]
    private let forAll: [Int]

    init(_ routes: [Route]) {
        self.routes = routes
        var byPrefix: [String: [Int]] = [:]
        var forAll: [Int] = []
        for (index, route) in routes.enumerated() {
            for prefix in route.reconciler.watched {
                if prefix.isEmpty { forAll.append(index) } else { byPrefix[prefix, default: []].append(index) }
            }
        }
        self.byPrefix = byPrefix
        self.forAll = forAll
    }

    /// The prefixes that somebody watches; nil when somebody watches all.
    var prefixes: [String]? { forAll.isEmpty ? Array(byPrefix.keys) : nil }

    func route(_ batch: CommitBatch) {
        let cluster = batch.cluster
        switch batch.lifecycle {
        case .deleted:
            for route in routes { route.reconciler.forget(cluster: cluster.id) }
            return
        case .created: routeAll(of: batch.cluster.base.snapshot, in: cluster)
        case .unchanged: break
        }
        let reference = ClusterReference(id: cluster.id, name: cluster.name)
        for event in batch.events { route(event, in: cluster, reference) }
    }

    /// Treats everything that is in a snapshot as if it had just come.
    func routeAll(of snapshot: Snapshot, in cluster: LogicalCluster) {
        let reference = ClusterReference(id: cluster.id, name: cluster.name)
        for prefix in prefixes ?? [""] {
            for (key, object) in snapshot.entries(prefix: prefix) {
                let event = Event(
                    type: .added, key: key, object: object, previous: nil, revision: object.metadata.resourceVersion)
                route(event, in: cluster, reference)
            }
        }
    }

    private func route(_ event: Event, in cluster: LogicalCluster, _ reference: ClusterReference) {
        for index in byPrefix[event.key.resourcePrefix] ?? [] { ask(routes[index], event, cluster, reference) }
        for index in forAll { ask(routes[index], event, cluster, reference) }
    }

    private func ask(_ route: Route, _ event: Event, _ cluster: LogicalCluster, _ reference: ClusterReference) {
        for name in route.reconciler.keys(for: event, in: cluster) {
            route.queue.add(QueueKey(cluster: reference, namespace: name.namespace, name: name.name))
        }
    }
}
