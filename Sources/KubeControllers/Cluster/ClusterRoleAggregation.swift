import KubeObject
public import KubeStore

/// Fills cluster roles that aggregate others with the rules of those.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
public struct ClusterRoleAggregation: Reconciler {
    public init() {}

    public var name: String { "clusterrole-aggregation-controller" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.clusterRoles)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        // A role of the shared start is as it should be; looking at all of them for every new cluster would be for nothing.
        if event.type == .added, cluster.base.snapshot.get(event.key) === event.object { return [] }
        return cluster.snapshot.list(prefix: Key.prefix(Resources.clusterRoles)).filter { role in
            guard let selectors = Self.selectors(of: role) else { return false }
            return role.metadata.name == metadata.name
                || selectors.contains { selector in
                    selector.matches(metadata.labels) || event.previous.map { selector.matches($0.metadata.labels) } ?? false
                }
        }.map { ObjectName(name: $0.metadata.name) }
    }

    /// Nil for a role that aggregates nothing.
    private static func selectors(of role: Object) -> [LabelSelector]? {
        guard let list = role.tree[path: "aggregationRule", "clusterRoleSelectors"]?.array else { return nil }
        return list.compactMap { try? LabelSelector($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let role = work.object(Resources.clusterRoles), let selectors = Self.selectors(of: role) else { return .done }
        let rules = Self.aggregate(work.snapshot.list(prefix: Key.prefix(Resources.clusterRoles)), into: role, selectors)
        guard role.tree["rules"]?.elements ?? [] != rules else { return .done }
        try await work.change(Resources.clusterRoles, role.metadata) { tree throws(StatusError) in
            tree["rules"] = rules.isEmpty ? nil : .array(rules)
        }
        return .done
    }

    /// The rules of all that match, in the order of the selectors and of names, each once.
    static func aggregate(_ roles: [Object], into role: Object, _ selectors: [LabelSelector]) -> [JSON] {
        var rules: [JSON] = []
        var seen: Set<JSON> = []
        for selector in selectors {
            for other in roles.sorted(by: { $0.metadata.name < $1.metadata.name })
            where other.metadata.name != role.metadata.name && selector.matches(other.metadata.labels) {
                for rule in other.tree["rules"]?.elements ?? [] where seen.insert(rule).inserted { rules.append(rule) }
            }
        }
        return rules
    }
}
