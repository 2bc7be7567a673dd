import KubeStore
import Synchronization

/// A cluster's bindings by subject, built from one snapshot.
final class BindingIndex: Sendable {
    typealias Entry = (binding: RoleBindingView, subject: RoleBindingView.Subject)

    private let cluster: [String: [Entry]]
    private let namespaced: [String: [String: [Entry]]]
    /// The rules of the roles that were asked for, by where they are. They're forgotten with the index.
    private let roles = Mutex<[String: [PolicyRule]]>([:])

    init(_ snapshot: Snapshot) {
        var cluster: [String: [Entry]] = [:]
        for object in snapshot.list(prefix: Key.prefix(group: rbacGroup, plural: "clusterrolebindings")) {
            let binding = RoleBindingView(object)
            for subject in binding.subjects { cluster[subject.key, default: []].append((binding, subject)) }
        }
        var namespaced: [String: [String: [Entry]]] = [:]
        for object in snapshot.list(prefix: Key.prefix(group: rbacGroup, plural: "rolebindings")) {
            let binding = RoleBindingView(object)
            for subject in binding.subjects {
                namespaced[binding.namespace, default: [:]][subject.key, default: []].append((binding, subject))
            }
        }
        self.cluster = cluster
        self.namespaced = namespaced
    }

    /// The bindings that name the user or one of their groups: the cluster's, then the namespace's.
    func bindings(of user: UserInfo, in namespace: String) -> [Entry] {
        let keys = ["u:\(user.name)"] + user.groups.map { "g:\($0)" }
        var result: [Entry] = []
        for key in keys { result += cluster[key] ?? [] }
        if !namespace.isEmpty, let own = namespaced[namespace] {
            for key in keys { result += own[key] ?? [] }
        }
        return result
    }

    /// The rules that a binding gives, read once.
    func rules(of binding: RoleBindingView, orElse read: () -> [PolicyRule]?) -> [PolicyRule]? {
        let name = binding.roleKind == "ClusterRole" ? binding.roleName : "\(binding.namespace)/\(binding.roleName)"
        if let known = roles.withLock({ $0[name] }) { return known }
        guard let rules = read() else { return nil }
        roles.withLock { $0[name] = rules }
        return rules
    }
}
