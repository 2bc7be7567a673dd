public import KubeObject
public import KubeStore
import Synchronization

/// Decides by what a node needs (``NodeAuthorizer``), and by RBAC: reads roles and bindings out of the cluster's snapshot.
///
/// A cluster's bindings are indexed by subject when it's first asked about and forgotten as soon as one of its RBAC objects
/// changes, so that a removed binding takes effect with the next request. At most ``capacity`` clusters are kept, without what they share
/// with their base; an idle cluster costs nothing. All functions may be called from any thread.
public final class Authorizer: Sendable {
    /// A decision and, for a `SubjectAccessReview`, why.
    public struct Decision: Sendable, Hashable {
        public var isAllowed: Bool
        public var reason: String
    }

    private struct State {
        /// Counts changes of RBAC objects in any cluster: an index built while it changed isn't kept.
        var generation: UInt64 = 0
        var indexes: [Int64: BindingIndex] = [:]
        /// The indexes of what clusters started from, which is kept so that its identity stays its own. There is one for each release.
        var bases: [ObjectIdentifier: (base: Base, index: BindingIndex)] = [:]
        /// Roles as read, by identity; the object is kept so that its identity stays its own.
        var roles: [ObjectIdentifier: (object: Object, rules: [PolicyRule])] = [:]
    }

    private let state = Mutex(State())
    /// How many clusters' indexes are kept.
    public let capacity: Int

    public init(capacity: Int = 512) {
        self.capacity = capacity
    }

    /// What was found, before anybody asks for it in words: of all requests that are let in nobody does.
    private enum Verdict {
        case allowed(reason: String)
        case bound(BindingIndex.Entry)
        case denied(reason: String)
    }

    /// Whether the user may do this in the cluster, as its RBAC objects are now.
    public func decide(_ request: AccessAttributes, in cluster: LogicalCluster) -> Decision {
        switch verdict(request, in: cluster) {
        case .allowed(let reason): Decision(isAllowed: true, reason: reason)
        case .bound(let entry): Decision(isAllowed: true, reason: entry.binding.describes(entry.subject))
        case .denied(let reason): Decision(isAllowed: false, reason: reason)
        }
    }

    private func verdict(_ request: AccessAttributes, in cluster: LogicalCluster) -> Verdict {
        if request.user.groups.contains("system:masters") { return .allowed(reason: "") }
        var reasons: [String] = []
        if let node = NodeIdentity(request.user) {
            let decision = NodeAuthorizer.decide(request, node, in: cluster.snapshot)
            if decision.isAllowed { return .allowed(reason: decision.reason) }
            if !decision.reason.isEmpty { reasons.append(decision.reason) }
        }
        // In this order: rules from before a change must not be remembered in an index that was made after it.
        let index = index(of: cluster)
        let snapshot = cluster.snapshot
        var missing: [String] = []
        let allowing = index.first(of: request.user, in: request.namespace) { entry -> BindingIndex.Entry? in
            let binding = entry.binding
            // A path can be allowed by a ClusterRoleBinding only.
            if !request.isResourceRequest, !binding.namespace.isEmpty { return nil }
            guard let rules = index.rules(of: binding, orElse: { rules(of: binding, in: snapshot) }) else {
                missing.append(Self.notFound(binding))
                return nil
            }
            return rules.contains { $0.allows(request) } ? entry : nil
        }
        if let allowing { return .bound(allowing) }
        switch missing.count {
        case 0: break
        case 1: reasons.append("RBAC: \(missing[0])")
        default: reasons.append("RBAC: [\(missing.joined(separator: ", "))]")
        }
        return .denied(reason: reasons.joined(separator: "\n"))
    }

    /// Throws the answer for a request that isn't allowed.
    public func require(_ request: AccessAttributes, in cluster: LogicalCluster) throws(StatusError) {
        if case .denied(let reason) = verdict(request, in: cluster) { throw request.forbidden(reason: reason) }
    }

    /// All rules that the user has in a namespace (empty: in the cluster scope).
    func rules(of user: UserInfo, in namespace: String, of cluster: LogicalCluster) -> [PolicyRule] {
        let snapshot = cluster.snapshot
        var result: [PolicyRule] = []
        if user.groups.contains("system:masters") {
            result += [
                PolicyRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], nonResourceURLs: ["*"]),
            ]
        }
        for (binding, _) in index(of: cluster).bindings(of: user, in: namespace) {
            result += rules(of: binding, in: snapshot) ?? []
        }
        return result
    }

    /// The rules that a role reference gives; nil if there is no such role.
    func rules(roleKind: String, roleName: String, namespace: String, in snapshot: Snapshot) -> [PolicyRule]? {
        let key =
            roleKind == "ClusterRole"
            ? Key(group: rbacGroup, plural: "clusterroles", namespace: "", name: roleName)
            : Key(group: rbacGroup, plural: "roles", namespace: namespace, name: roleName)
        guard let role = snapshot.get(key) else { return nil }
        return rules(of: role, in: snapshot)
    }

    private func rules(of binding: RoleBindingView, in snapshot: Snapshot) -> [PolicyRule]? {
        rules(roleKind: binding.roleKind, roleName: binding.roleName, namespace: binding.namespace, in: snapshot)
    }

    /// A role's rules; those of the roles it aggregates, where it says so. An aggregate may hold others, as `admin` has `edit`.
    private func rules(of role: Object, in snapshot: Snapshot) -> [PolicyRule] {
        guard Self.isAggregate(role) else { return plainRules(of: role) }
        let all = snapshot.list(prefix: Key.prefix(group: rbacGroup, plural: "clusterroles"))
        var result: [PolicyRule] = []
        var visited: Set<ObjectIdentifier> = [ObjectIdentifier(role)]
        var open = [role]
        while let next = open.popLast() {
            guard Self.isAggregate(next) else {
                result += plainRules(of: next)
                continue
            }
            let selectors = (next.tree[path: "aggregationRule", "clusterRoleSelectors"]?.elements ?? []).compactMap { selector in
                Result { try LabelSelector(selector) }.value
            }
            for candidate in all where selectors.contains(where: { $0.matches(candidate.metadata.labels) }) {
                if visited.insert(ObjectIdentifier(candidate)).inserted { open.append(candidate) }
            }
        }
        return result
    }

    private static func isAggregate(_ role: Object) -> Bool { !(role.tree["aggregationRule"]?.isEmpty ?? true) }

    private func plainRules(of role: Object) -> [PolicyRule] {
        let identity = ObjectIdentifier(role)
        if let known = state.withLock({ $0.roles[identity] }) { return known.rules }
        let rules = (role.tree["rules"]?.elements ?? []).map(PolicyRule.init)
        state.withLock { state in
            if state.roles.count >= 4096 { state.roles.removeAll() }
            state.roles[identity] = (role, rules)
        }
        return rules
    }

    private func index(of cluster: LogicalCluster) -> BindingIndex {
        let (known, generation) = state.withLock { ($0.indexes[cluster.id], $0.generation) }
        if let known { return known }
        let index = BindingIndex(cluster.snapshot, over: self.index(of: cluster.base), of: cluster.base.snapshot)
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.indexes.count >= capacity, let other = state.indexes.keys.randomElement() { state.indexes[other] = nil }
            state.indexes[cluster.id] = index
        }
        return index
    }

    private func index(of base: Base) -> BindingIndex {
        let identity = ObjectIdentifier(base)
        if let known = state.withLock({ $0.bases[identity] }) { return known.index }
        let index = BindingIndex(base.snapshot)
        return state.withLock { state in
            if let known = state.bases[identity] { return known.index }
            state.bases[identity] = (base, index)
            return index
        }
    }

    /// Must be called with every commit, before its writer is answered.
    func note(_ batch: CommitBatch) {
        guard batch.events.contains(where: { $0.key.group == rbacGroup }) else { return }
        state.withLock { state in
            state.generation += 1
            state.indexes[batch.cluster.id] = nil
        }
    }

    private static func notFound(_ binding: RoleBindingView) -> String {
        let resource = binding.roleKind == "ClusterRole" ? "clusterrole" : "role"
        return "\(resource).rbac.authorization.k8s.io \(quoted(binding.roleName)) not found"
    }
}

let rbacGroup = "rbac.authorization.k8s.io"

extension Result {
    /// As the initializer of the standard library, for what waits.
    init(_ body: () async throws(Failure) -> Success) async {
        do throws(Failure) {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }

    /// The value, where a failure only means that there is none.
    var value: Success? {
        if case .success(let value) = self { value } else { nil }
    }
}
