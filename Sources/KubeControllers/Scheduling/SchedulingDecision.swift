import KubeObject

/// Whether a pod can be bound to the one node, and if not, what upstream's scheduler would have said.
enum SchedulingDecision: Equatable {
    /// The pod isn't to be scheduled by us: bound, finished, being deleted, or another scheduler's.
    case ignore
    /// Gates hold it back.
    case gated
    case bind(node: String)
    /// The pod must wait. The victims, if any, are to be deleted so that it fits later.
    case unschedulable(message: String, victims: [String])

    static let schedulerName = "default-scheduler"
    static let gatedMessage = "Scheduling is blocked due to non-empty scheduling gates"
    static let noNodes = "no nodes available to schedule pods"

    /// - Parameters:
    ///   - node: nil when there is none.
    ///   - pods: all pods of the cluster.
    ///   - volumeProblem: why the pod's volumes can't be used; nil when they can.
    init(
        _ pod: Object, node: Object?, pods: some Sequence<Object>,
        namespaceLabels: @escaping (String) -> [String: String] = { _ in [:] },
        volumeProblem: PodVolumes.Problem? = nil
    ) {
        let spec = pod.tree["spec"]
        let state = PodState(pod)
        guard state.nodeName.isEmpty, state.isActive, spec?["schedulerName"]?.string ?? Self.schedulerName == Self.schedulerName
        else {
            self = .ignore
            return
        }
        if !(spec?["schedulingGates"]?.elements.isEmpty ?? true) {
            self = .gated
            return
        }
        guard let node else {
            self = .unschedulable(message: Self.noNodes, victims: [])
            return
        }
        if let volumeProblem, !volumeProblem.isOfNodes {
            self = .unschedulable(message: Self.message(volumeProblem.text, preemption: .notHelpful), victims: [])
            return
        }
        let running = pods.filter { other in
            other.metadata.uid != pod.metadata.uid && Self.occupies(other, node: node.metadata.name)
        }
        let filter = NodeFilter(node: node, namespaceLabels: namespaceLabels)
        let verdict = filter.verdict(pod, running: running)
        guard !verdict.reasons.isEmpty else {
            if let volumeProblem {
                self = .unschedulable(message: Self.message([volumeProblem.text], preemption: .notHelpful), victims: [])
            } else {
                self = .bind(node: node.metadata.name)
            }
            return
        }
        guard verdict.canPreemptionHelp else {
            self = .unschedulable(message: Self.message(verdict.reasons, preemption: .notHelpful), victims: [])
            return
        }
        let victims = Preemption.victims(for: pod, running: running, filter: filter)
        if victims.isEmpty {
            self = .unschedulable(message: Self.message(verdict.reasons, preemption: .noVictims), victims: [])
        } else {
            self = .unschedulable(
                message: Self.message(verdict.reasons, preemption: nil), victims: victims.map { $0.metadata.uid })
        }
    }

    /// Whether a pod takes room on the node: bound there and not finished.
    private static func occupies(_ pod: Object, node: String) -> Bool {
        let tree = pod.tree
        guard tree[path: "spec", "nodeName"]?.string == node else { return false }
        let phase = tree[path: "status", "phase"]?.string
        return phase != "Succeeded" && phase != "Failed"
    }

    private enum PreemptionOutcome: String {
        case notHelpful = "1 Preemption is not helpful for scheduling."
        case noVictims = "1 No preemption victims found for incoming pod."
    }

    private static func message(_ reasons: [String], preemption: PreemptionOutcome?) -> String {
        message(reasons.map { "1 \($0)" }.sorted().joined(separator: ", "), preemption: preemption)
    }

    private static func message(_ list: String, preemption: PreemptionOutcome?) -> String {
        var message = "0/1 nodes are available: \(list)."
        if let preemption {
            message += " no new claims to deallocate, preemption: 0/1 nodes are available: \(preemption.rawValue)"
        }
        return message
    }
}
