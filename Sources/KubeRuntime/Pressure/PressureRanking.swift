import KubeObject

/// Whose pod goes first when the machine is short of something.
///
/// In one cluster kubelet's order: who has more than it asked for, then the less important, then who has the most over what it asked for.
/// Priorities are each cluster's own and say nothing between clusters, so the cluster goes first whose pods together have taken the most that they
/// hadn't asked for. Pods that are critical go last in their cluster; kubelet never ends them, but here any tenant may have such.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
struct PressureRanking: Sendable {
    struct Candidate: Sendable, Equatable {
        var uid: String
        var cluster: Int64
        var priority: Int64 = 0
        var isCritical = false
        /// In bytes, or a number.
        var used: Int64
        var requested: Int64 = 0

        var excess: Int64 { used.subtractingReportingOverflow(requested).partialValue }
    }

    /// Nobody asks for processes, so they say nothing of who has too many.
    static func order(_ candidates: [Candidate], by signal: EvictionSignal) -> [Candidate] {
        var taken: [Int64: Int64] = [:]
        for candidate in candidates where candidate.excess > 0 {
            taken[candidate.cluster, default: 0] =
                (taken[candidate.cluster] ?? 0).addingReportingOverflow(candidate.excess).partialValue
        }
        return candidates.sorted { left, right in
            if left.cluster != right.cluster {
                let (mine, theirs) = (taken[left.cluster] ?? 0, taken[right.cluster] ?? 0)
                return mine == theirs ? left.cluster < right.cluster : mine > theirs
            }
            if left.isCritical != right.isCritical { return right.isCritical }
            if signal != .processes, (left.excess > 0) != (right.excess > 0) { return left.excess > 0 }
            if left.priority != right.priority { return left.priority < right.priority }
            return left.excess == right.excess ? left.uid < right.uid : left.excess > right.excess
        }
    }
}

/// What a pod has of what the machine is short of.
struct PressureUse: Sendable, Equatable {
    var total: Int64 = 0
    /// By the container's name; only of what containers ask for.
    var containers: [String: Int64] = [:]

    /// What the pod's status and event say of its end.
    static func message(_ crossing: NodePressure.Crossing, _ pod: Pod, _ use: PressureUse) -> String {
        let resource = crossing.threshold.signal.resource
        var message = "The node was low on resource: \(resource). " + crossing.text
        for container in pod.containers + pod.initContainers.filter({ $0.role == .sidecar }) {
            guard let used = use.containers[container.name] else { continue }
            let request = ContainerResources.amount(container.tree[path: "resources", "requests", resource])
            guard used > request?.value ?? 0 else { continue }
            message +=
                "Container \(container.name) was using \(Quantity(used, format: .binary)), request is \(request.map(\.description) ?? "0"), has larger consumption of \(resource). "
        }
        return message
    }
}
