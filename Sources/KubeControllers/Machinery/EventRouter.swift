import KubeObject
import KubeStore
import Synchronization

/// Turns changes into work: finds the reconcilers that watch a change's resource, asks them for keys and puts those into their queues.
///
/// Looking a change's resource up is one dictionary access; for a resource that nobody watches nothing is decoded.
final class EventRouter: Sendable {
    struct Route: Sendable {
        var reconciler: any Reconciler
        var queue: WorkQueue
    }

    let routes: [Route]
    /// Indices into `routes`, by the resource's prefix.
    private let byPrefix: [String: [Int]]
    private let forAll: [Int]
    /// What of a base's objects anybody makes work of: little of it, and the same in every new cluster. There is a base for each release.
    private let bases = Mutex<[ObjectIdentifier: (base: Base, asked: [Asked])]>([:])

    /// An object as it came, and one of those who made work of it.
    private struct Asked: Sendable {
        var event: Event
        var route: Int
    }

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
        case .created: routeBase(of: cluster)
        case .unchanged: break
        }
        let reference = ClusterReference(id: cluster.id, name: cluster.name)
        for event in batch.events { route(event, in: cluster, reference) }
    }

    /// Treats everything that is in a snapshot as if it had just come.
    func routeAll(of snapshot: Snapshot, in cluster: LogicalCluster) {
        _ = ask(about: snapshot, in: cluster)
    }

    /// Treats what a new cluster shares with others as if it had just come.
    private func routeBase(of cluster: LogicalCluster) {
        let identity = ObjectIdentifier(cluster.base)
        guard let known = bases.withLock({ $0[identity] }) else {
            let asked = ask(about: cluster.base.snapshot, in: cluster)
            return bases.withLock { $0[identity] = (cluster.base, asked) }
        }
        let reference = ClusterReference(id: cluster.id, name: cluster.name)
        for asked in known.asked { _ = ask(routes[asked.route], asked.event, cluster, reference) }
    }

    /// - Returns: those that made work of something.
    private func ask(about snapshot: Snapshot, in cluster: LogicalCluster) -> [Asked] {
        let reference = ClusterReference(id: cluster.id, name: cluster.name)
        var asked: [Asked] = []
        for prefix in prefixes ?? [""] {
            for (key, object) in snapshot.entries(prefix: prefix) {
                let event = Event(
                    type: .added, key: key, object: object, previous: nil, revision: object.metadata.resourceVersion)
                for route in watching(event.key) where ask(routes[route], event, cluster, reference) {
                    asked.append(Asked(event: event, route: route))
                }
            }
        }
        return asked
    }

    private func route(_ event: Event, in cluster: LogicalCluster, _ reference: ClusterReference) {
        for index in watching(event.key) { _ = ask(routes[index], event, cluster, reference) }
    }

    private func watching(_ key: Key) -> [Int] {
        let own = byPrefix[key.resourcePrefix] ?? []
        return forAll.isEmpty ? own : own + forAll
    }

    /// - Returns: whether there is work.
    private func ask(_ route: Route, _ event: Event, _ cluster: LogicalCluster, _ reference: ClusterReference) -> Bool {
        let names = route.reconciler.keys(for: event, in: cluster)
        for name in names { route.queue.add(QueueKey(cluster: reference, namespace: name.namespace, name: name.name)) }
        return !names.isEmpty
    }
}
