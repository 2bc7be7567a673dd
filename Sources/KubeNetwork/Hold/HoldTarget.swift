import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// The service that a held connection is for.
struct HoldTarget: Sendable {
    let cluster: LogicalCluster
    let addresses: PodAddressBook
    let service: ServiceName
    /// Of the host.
    let port: UInt16
    /// Whether a pod, by its uid, is about to stop because its cluster falls asleep.
    let isLeaving: @Sendable (_ uid: String) -> Bool

    /// Of the keys on which ``endpoint`` depends.
    var prefix: String { Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: service.namespace) }

    /// A ready endpoint that stays, if there is one: a pod of this very cluster, whatever else an endpoint slice may name.
    var endpoint: EndpointAddress? {
        let snapshot = cluster.snapshot
        var services = ClusterServices()
        for slice in snapshot.list(prefix: prefix) { _ = services.note(ServiceChange(slice: slice.metadata)) }
        let facts = services.facts(of: service, snapshot)
        guard let port = facts.service?.ports.first(where: { $0.nodePort == self.port && $0.transport == .tcp }) else {
            return nil
        }
        return ServiceElements.endpoints(of: port, slices: facts.slices).filter {
            guard let pod = addresses.pod(at: "\($0.address)") else { return false }
            return pod.cluster == cluster.id && !isLeaving(pod.uid)
        }.randomElement()
    }

    /// Whether anything says who may connect to pods of the service's namespace.
    var hasPolicies: Bool {
        !cluster.snapshot.list(
            prefix: Key.prefix(group: "networking.k8s.io", plural: "networkpolicies", namespace: service.namespace)
        ).isEmpty
    }
}

/// Lets so many in at once.
final class HoldGate: Sendable {
    private let count = Mutex(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}
