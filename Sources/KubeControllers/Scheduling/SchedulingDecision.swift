import KubeObject

/// Which node a pod is bound to, and if none, what upstream's scheduler would have said.
enum SchedulingDecision: Equatable {
    /// The pod isn't to be scheduled by us: bound, finished, being deleted, or another scheduler's.
    case ignore
    /// Gates hold it back.
    case gated
    case bind(node: String)
    /// The pod must wait. The victims, if any, are to be deleted so that it fits later, on a node; without them, the node is where earlier
    /// ones are still going, or empty.
    case unschedulable(message: String, victims: [String] = [], on: String = "")

    static let schedulerName = "default-scheduler"
    static let gatedMessage = "Scheduling is blocked due to non-empty scheduling gates"
    static let noNodes = "no nodes available to schedule pods"

    /// - Parameters:
    ///   - nodes: those that pods may be bound to.
    ///   - pods: all pods of the cluster.
    ///   - volumeProblem: why the pod's volumes can't be used on a node; nil when they can.
    init(
        _ pod: Object, nodes: [Object], pods: some Sequence<Object>,
        namespaceLabels: @escaping (String) -> [String: String] = { _ in [:] },
        volumeProblem: (Object) -> PodVolumes.Problem? = { _ in nil }
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
        guard let first = nodes.first else {
            self = .unschedulable(message: Self.noNodes)
            return
        }
        if let problem = volumeProblem(first), !problem.isOfNodes {
            let hopeless = Self.counted(nodes.map { _ in Self.notHelpful })
            self = .unschedulable(message: Self.message(problem.text, preemption: hopeless, of: nodes.count))
            return
        }
        let placed = PlacedPods(nodes: nodes, pods: pods, except: pod.metadata.uid)
        var fitting: [Object] = []
        var refusals: [(filter: NodeFilter, verdict: NodeFilter.Verdict)] = []
        for node in nodes {
            let filter = NodeFilter(node: node, placed: placed, namespaceLabels: namespaceLabels)
            var verdict = filter.verdict(pod, running: placed.on(node))
            let promised = placed.promised(on: node, before: pod)
            if verdict.reasons.isEmpty, !promised.isEmpty { verdict = filter.verdict(pod, running: placed.on(node) + promised) }
            if verdict.reasons.isEmpty, let problem = volumeProblem(node) { verdict = .init(reasons: [problem.text]) }
            if verdict.reasons.isEmpty { fitting.append(node) } else { refusals.append((filter, verdict)) }
        }
        let score = NodeScore(pod: pod, placed: placed, namespaceLabels: namespaceLabels)
        if let best = score.best(of: fitting) {
            self = .bind(node: best.metadata.name)
            return
        }
        let reasons = Self.counted(refusals.flatMap(\.verdict.reasons))
        switch Preemption.plan(for: pod, placed, refusals.filter(\.verdict.canPreemptionHelp).map(\.filter)) {
        case .impossible:
            let outcomes = refusals.map { $0.verdict.canPreemptionHelp ? Self.noVictims : Self.notHelpful }
            self = .unschedulable(message: Self.message(reasons, preemption: Self.counted(outcomes), of: nodes.count))
        case .wait(let node):
            let message = Self.message(reasons, preemption: nil, of: nodes.count) + Self.victimsAreGoing
            self = .unschedulable(message: message, on: node.metadata.name)
        case .make(let node, let victims):
            self = .unschedulable(
                message: Self.message(reasons, preemption: nil, of: nodes.count), victims: victims.map(\.metadata.uid),
                on: node.metadata.name)
        }
    }

    private static let notHelpful = "Preemption is not helpful for scheduling"
    private static let noVictims = "No preemption victims found for incoming pod"
    private static let victimsAreGoing =
        " no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node."

    /// Each once, with how often it is there.
    private static func counted(_ texts: [String]) -> String {
        let counts = texts.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        return counts.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
    }

    private static func message(_ list: String, preemption: String?, of count: Int) -> String {
        let message = "0/\(count) nodes are available: \(list)."
        guard let preemption else { return message }
        return message + " no new claims to deallocate, preemption: 0/\(count) nodes are available: \(preemption)."
    }
}
