import KubeObject
import KubeRegistry

/// The scheduler's filters for one node, with the reasons in upstream's words.
struct NodeFilter {
    struct Verdict {
        /// Why the pod doesn't fit; empty when it does. Upstream stops at the first filter that refuses.
        var reasons: [String] = []
        /// Whether fewer pods on the node could change that.
        var canPreemptionHelp = false
    }

    let node: Object
    let allocatable: ResourceAmounts
    let placed: PlacedPods
    let namespaceLabels: (String) -> [String: String]

    /// - Parameter placed: the cluster's nodes with their pods; nil when others don't matter.
    init(
        node: Object, placed: PlacedPods? = nil, namespaceLabels: @escaping (String) -> [String: String] = { _ in [:] }
    ) {
        self.node = node
        self.placed = placed ?? PlacedPods(nodes: [node], pods: [], except: "")
        self.namespaceLabels = namespaceLabels
        let status = node.tree["status"]
        allocatable = ResourceAmounts(status?["allocatable"] ?? status?["capacity"])
    }

    /// - Parameter running: the pods on the node, whatever `placed` says of it.
    func verdict(_ pod: Object, running: [Object]) -> Verdict {
        let spec = pod.tree["spec"]
        let tolerations = spec?["tolerations"]?.elements ?? []
        if node.tree[path: "spec", "unschedulable"]?.bool ?? false {
            let taint: JSON = ["key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"]
            if !tolerations.contains(where: { Taints.tolerates($0, taint) }) {
                return Verdict(reasons: ["node(s) were unschedulable"])
            }
        }
        if !Taints.untolerated(node.tree, tolerations: tolerations, effects: ["NoSchedule", "NoExecute"]).isEmpty {
            return Verdict(reasons: ["node(s) had untolerated taint(s)"])
        }
        if !NodeSelection.matches(spec, node: node) {
            return Verdict(reasons: ["node(s) didn't match Pod's node affinity/selector"])
        }
        if hasPortConflict(spec, running: running) {
            return Verdict(reasons: ["node(s) didn't have free ports for the requested pod ports"], canPreemptionHelp: true)
        }
        let shortages = shortages(pod, running: running)
        if !shortages.reasons.isEmpty { return shortages }
        if let reason = TopologySpread.reason(pod, node: node, running: running, placed: placed) {
            return Verdict(reasons: [reason], canPreemptionHelp: reason == TopologySpread.mismatch)
        }
        let others = PodAffinity.reason(pod, node: node, running: running, placed: placed, namespaceLabels: namespaceLabels)
        if let reason = others {
            return Verdict(reasons: [reason], canPreemptionHelp: reason != PodAffinity.affinityRules)
        }
        return Verdict()
    }

    private func shortages(_ pod: Object, running: [Object]) -> Verdict {
        var verdict = Verdict()
        var isHopeless = false
        if allocatable.amounts["pods"] != nil, Int64(running.count) + 1 > allocatable["pods"] {
            verdict.reasons.append("Too many pods")
        }
        let wanted = PodResources.requests(of: pod.tree).amounts.filter { $0.value > 0 }
        guard !wanted.isEmpty else {
            verdict.canPreemptionHelp = !verdict.reasons.isEmpty
            return verdict
        }
        var used = ResourceAmounts()
        for other in running { used += PodResources.reserved(of: other.tree) }
        for (name, amount) in wanted.sorted(by: { $0.key < $1.key }) where amount > allocatable[name] - used[name] {
            verdict.reasons.append("Insufficient \(name)")
            if amount > allocatable[name] { isHopeless = true }
        }
        verdict.canPreemptionHelp = !verdict.reasons.isEmpty && !isHopeless
        return verdict
    }

    func hasPortConflict(_ spec: JSON?, running: [Object]) -> Bool {
        let wanted = Self.hostPorts(spec)
        guard !wanted.isEmpty else { return false }
        let taken = running.flatMap { Self.hostPorts($0.tree["spec"]) }
        return wanted.contains { port in
            taken.contains { other in
                port.number == other.number && port.networkProtocol == other.networkProtocol
                    && (port.address == other.address || port.address == "0.0.0.0" || other.address == "0.0.0.0")
            }
        }
    }

    private struct HostPort {
        var address: String
        var networkProtocol: String
        var number: Int64
    }

    private static func hostPorts(_ spec: JSON?) -> [HostPort] {
        let sidecars = (spec?["initContainers"]?.elements ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        return ((spec?["containers"]?.elements ?? []) + sidecars).flatMap { $0["ports"]?.elements ?? [] }.compactMap { port in
            guard let number = port["hostPort"]?.int, number > 0 else { return nil }
            let address = port["hostIP"]?.string ?? ""
            return HostPort(
                address: address.isEmpty ? "0.0.0.0" : address, networkProtocol: port["protocol"]?.string ?? "TCP", number: number
            )
        }
    }
}
