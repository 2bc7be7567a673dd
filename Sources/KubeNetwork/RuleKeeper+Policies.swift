import KubeObject
import KubeStore

extension RuleKeeper {
    /// Has the policies know a pod that was let in, and its whole cluster when it is the first.
    func note(_ pod: NetworkModel.Pod, at address: IPAddress, _ cluster: LogicalCluster, _ state: inout State) {
        let snapshot = cluster.snapshot
        let isFirst = !state.policies.knows(cluster.id)
        if isFirst {
            let namespaces = snapshot.list(prefix: PolicyChange.namespacePrefix).map { ($0.metadata.name, $0.metadata.labels) }
            state.policies.begin(cluster.id, namespaces: Dictionary(namespaces) { _, last in last })
        }
        state.policies.set(Self.facts(of: pod, at: address, snapshot), at: address, in: cluster.id)
        guard isFirst else { return }
        for object in snapshot.list(prefix: PolicyChange.policyPrefix) {
            let name = ServiceName(namespace: object.metadata.namespace, name: object.metadata.name)
            state.policies.set(PolicyFacts(object.tree), name, in: cluster.id)
        }
    }

    /// A pod that an earlier run of the server let in is known by its address only.
    private static func facts(of pod: NetworkModel.Pod, at address: IPAddress, _ snapshot: Snapshot) -> PolicyPod {
        let unknown = PolicyPod(namespace: pod.namespace, name: pod.name)
        guard pod.uid.isEmpty else {
            let object = snapshot.get(Key(group: "core", plural: "pods", namespace: pod.namespace, name: pod.name))
            return object.flatMap { $0.metadata.uid == pod.uid ? PolicyPod($0) : nil } ?? unknown
        }
        let text = address.description
        let object = snapshot.list(prefix: PolicyChange.podPrefix).first { object in
            let status = object.tree["status"]
            let isIts =
                status?["podIP"]?.string == text || status?["podIPs"]?.elements.contains { $0["ip"]?.string == text } == true
            return isIts && status?["phase"] != "Succeeded" && status?["phase"] != "Failed"
        }
        return object.map(PolicyPod.init) ?? unknown
    }

    func note(_ changes: [PolicyChange], _ id: Int64, _ state: inout State) {
        guard let cluster = clusters.cluster(id) else { return }
        let snapshot = cluster.snapshot
        for change in Set(changes) {
            switch change {
            case .policy(let name):
                let key = Key(group: "networking.k8s.io", plural: "networkpolicies", namespace: name.namespace, name: name.name)
                state.policies.set(snapshot.get(key).map { PolicyFacts($0.tree) }, name, in: id)
            case .namespace(let name):
                let object = snapshot.get(Key(group: "core", plural: "namespaces", name: name))
                state.policies.set(namespace: name, labels: object?.metadata.labels, in: id)
            case .pod(let name):
                let key = Key(group: "core", plural: "pods", namespace: name.namespace, name: name.name)
                guard let object = snapshot.get(key) else { continue }
                for address in state.policies.addresses(of: name, in: id) {
                    let uid = state.model.pods[address]?.uid ?? ""
                    guard uid.isEmpty || uid == object.metadata.uid else { continue }
                    state.policies.set(PolicyPod(object), at: address, in: id)
                }
            }
        }
    }
}
