import KubeObject

/// Why there is no room: in the form of upstream's ResourceQuota, then who has it and what to do.
struct QuotaRefusal: Sendable, Equatable {
    enum Scope: String, Sendable, CaseIterable {
        /// A cluster's own limits.
        case cluster
        /// A team's quota, for an object in one of its clusters.
        case team
        /// A team's quota, for a cluster that is to wake.
        case waking
    }

    struct Exceeded: Sendable, Equatable {
        var resource: MachineResource
        var used: Int64
        var limit: Int64
    }

    /// A cluster that has some of what there is too little of.
    struct Holder: Sendable, Equatable {
        var name: String
        var amount: Int64
        /// Of what.
        var resource: MachineResource
    }

    private static let maximumHolders = 5

    var scope: Scope
    /// Of the cluster or the team.
    var name: String
    var requested: MachineAmounts
    var exceeded: [Exceeded]
    /// Of all of `exceeded`; who has most of one comes first.
    var holders: [Holder]

    var message: String {
        func list(_ amount: (Exceeded) -> Int64) -> String {
            exceeded.map { "\($0.resource.rawValue)=\(MachineAmounts.text(amount($0), $0.resource))" }.joined(separator: ",")
        }
        let owner = scope == .cluster ? "cluster \(name)" : "team \(name)"
        var text =
            "exceeded quota: \(owner), requested: \(list { requested[$0.resource] }), used: \(list(\.used)), limited: \(list(\.limit))"
        guard let first = exceeded.first else { return text }
        let users = exceeded.compactMap { one in used(of: one.resource).map { (resource: one.resource, users: $0) } }
        if exceeded.count == 1, let only = users.first { text += "; used by \(only.users)" }
        if exceeded.count > 1 {
            text += users.map { "; \($0.resource.rawValue) used by \($0.users)" }.joined()
        }
        return text + "; " + hint(first)
    }

    /// `demo 3Gi, ci 1Gi`; nil when nobody has any.
    private func used(of resource: MachineResource) -> String? {
        let all = holders.filter { $0.resource == resource }
        guard !all.isEmpty else { return nil }
        let some = all.prefix(Self.maximumHolders).map { "\($0.name) \(MachineAmounts.text($0.amount, resource))" }
        let more = all.count - some.count
        return "\(some.joined(separator: ", "))\(more > 0 ? ", and \(more) more clusters" : "")"
    }

    private func hint(_ first: Exceeded) -> String {
        let thing =
            switch first.resource {
            case .storage: "persistent volume claims"
            case .exposures: "services of type NodePort or LoadBalancer (or make them ClusterIP), or pods with host ports,"
            case .pods, .cpu, .memory: "pods"
            }
        let field = "\(scope == .cluster ? "spec.limits" : "spec.quota").\(first.resource.rawValue)"
        if first.limit == 0 || requested[first.resource] > first.limit {
            let what = scope == .waking ? "scale down what the cluster runs" : "ask for less"
            return
                "it would not fit if nothing else were there: \(what), or have \(field) raised by the platform's administrators"
        }
        switch scope {
        case .cluster:
            return "delete \(thing) that aren't needed in the cluster, or have \(field) of its VirtualCluster raised"
        case .team, .waking:
            let sleep = first.resource.outlastsSleep ? "" : ", put a cluster to sleep with `sampan cluster sleep`"
            return "delete \(thing) in one of these clusters\(sleep), or have \(field) of the team raised"
        }
    }
}
