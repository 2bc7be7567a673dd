import KubeObject
import KubeRegistry

/// What may keep the pods of a team's clusters from the machine, as its `spec.isolation` says it. Pure.
struct TeamIsolation: Equatable {
    typealias Isolation = ClusterPolicy.Isolation

    /// Empty for all.
    var allowed: [Isolation] = []
    /// For clusters that say nothing; nil for what it is everywhere.
    var standing: Isolation?

    /// - Parameter spec: of a Team.
    init(_ spec: JSON) {
        allowed = (spec[path: "isolation", "allowed"]?.strings ?? []).compactMap(Isolation.init)
        standing = (spec[path: "isolation", "default"]?.string).flatMap(Isolation.init)
        if standing == nil, !allowed.contains(ClusterPolicies.policy([:]).isolation) { standing = allowed.first }
    }

    /// Why a cluster may not be so; nil when it may. What a cluster was before it may go on being.
    ///
    /// - Parameters:
    ///   - spec: of the VirtualCluster.
    ///   - old: what it was before, or nil.
    func refusal(of spec: JSON, old: JSON?, team: String) -> String? {
        let wanted = ClusterPolicies.policy(spec).isolation
        guard !allowed.isEmpty, !allowed.contains(wanted), old.map({ ClusterPolicies.policy($0).isolation }) != wanted else {
            return nil
        }
        let names = allowed.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        return
            "spec.isolation \"\(wanted.rawValue)\" isn't allowed to the clusters of the team \(team): choose \(names), or have spec.isolation.allowed of the team changed by the platform's administrators"
    }

    /// What is wrong with a team's `spec.isolation`.
    static func errors(in spec: JSON) -> [FieldError] {
        let known = Isolation.allCases.map(\.rawValue)
        var errors: [FieldError] = []
        var seen: [String] = []
        for (index, text) in (spec[path: "isolation", "allowed"]?.strings ?? []).enumerated() {
            let path = "spec.isolation.allowed[\(index)]"
            guard errors.count < 8 else { break }
            if !known.contains(text) {
                errors.append(.notSupported(path, .string(text), known))
            } else if seen.contains(text) {
                errors.append(.duplicate(path, .string(text)))
            }
            seen.append(text)
        }
        guard let standing = spec[path: "isolation", "default"]?.string, !standing.isEmpty else { return errors }
        if !known.contains(standing) {
            errors.append(.notSupported("spec.isolation.default", .string(standing), known))
        } else if !seen.isEmpty, !seen.contains(standing) {
            errors.append(.invalid("spec.isolation.default", .string(standing), "must be one of isolation.allowed"))
        }
        return errors
    }
}
