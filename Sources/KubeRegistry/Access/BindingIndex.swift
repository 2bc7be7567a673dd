import KubeObject
import KubeStore
import Synchronization

/// A cluster's bindings by subject, built from one snapshot.
///
/// Nearly all of them are the base's, which all clusters share: a cluster's index has its own, and says which of the base's it doesn't have.
final class BindingIndex: Sendable {
    typealias Entry = (binding: RoleBindingView, subject: RoleBindingView.Subject)

    private let base: BindingIndex?
    /// The base's bindings that the cluster has changed or deleted.
    private let replaced: Set<BindingName>
    private let cluster: [SubjectKey: [Entry]]
    private let namespaced: [String: [SubjectKey: [Entry]]]
    /// The rules of the roles that were asked for, by where they are. They're forgotten with the index.
    private let roles = Mutex<[String: [PolicyRule]]>([:])

    private struct BindingName: Hashable {
        var namespace: String
        var name: String
    }

    /// Of all bindings in a snapshot.
    convenience init(_ snapshot: Snapshot) {
        self.init(Self.bindings(in: snapshot), base: nil, replaced: [])
    }

    /// Of a snapshot that shares most of its bindings with another one, whose index there is.
    convenience init(_ snapshot: Snapshot, over base: BindingIndex, of shared: Snapshot) {
        let own = Self.bindings(in: snapshot).filter { shared.get($0.key) !== $0.object }
        let replaced = Self.bindings(in: shared).filter { snapshot.get($0.key) !== $0.object }
        self.init(own, base: base, replaced: Set(replaced.map { BindingName(namespace: $0.key.namespace, name: $0.key.name) }))
    }

    private init(_ bindings: [(key: Key, object: Object)], base: BindingIndex?, replaced: Set<BindingName>) {
        var cluster: [SubjectKey: [Entry]] = [:]
        var namespaced: [String: [SubjectKey: [Entry]]] = [:]
        for (key, object) in bindings {
            let binding = RoleBindingView(object)
            for subject in binding.subjects {
                if key.plural == "clusterrolebindings" {
                    cluster[subject.key, default: []].append((binding, subject))
                } else {
                    namespaced[binding.namespace, default: [:]][subject.key, default: []].append((binding, subject))
                }
            }
        }
        self.cluster = cluster
        self.namespaced = namespaced
        self.base = base
        self.replaced = replaced
    }

    private static func bindings(in snapshot: Snapshot) -> [(key: Key, object: Object)] {
        ["clusterrolebindings", "rolebindings"].flatMap { snapshot.entries(prefix: Key.prefix(group: rbacGroup, plural: $0)) }
    }

    /// The bindings that name the user or one of their groups: the cluster's, then the namespace's.
    func bindings(of user: UserInfo, in namespace: String) -> [Entry] {
        var found: [Entry] = []
        let _: Never? = first(of: user, in: namespace) { entry in
            found.append(entry)
            return nil
        }
        return found
    }

    /// The first thing that `find` makes of those bindings, in the same order. Every request asks, and nearly always one of the first
    /// bindings is the one: the others aren't looked up.
    func first<Found>(of user: UserInfo, in namespace: String, _ find: (Entry) -> Found?) -> Found? {
        if let found = first(of: user, within: nil, find) { return found }
        return namespace.isEmpty ? nil : first(of: user, within: namespace, find)
    }

    private func first<Found>(of user: UserInfo, within namespace: String?, _ find: (Entry) -> Found?) -> Found? {
        if let found = first(naming: .user(user.name), within: namespace, find) { return found }
        for group in user.groups {
            if let found = first(naming: .group(group), within: namespace, find) { return found }
        }
        return nil
    }

    /// - Parameter namespace: nil for the cluster's own.
    private func first<Found>(naming key: SubjectKey, within namespace: String?, _ find: (Entry) -> Found?) -> Found? {
        let inherited = base?.first(naming: key, within: namespace) { entry in
            isReplaced(entry.binding) ? nil : find(entry)
        }
        if let inherited { return inherited }
        let own = if let namespace { namespaced[namespace]?[key] } else { cluster[key] }
        for entry in own ?? [] {
            if let found = find(entry) { return found }
        }
        return nil
    }

    private func isReplaced(_ binding: RoleBindingView) -> Bool {
        !replaced.isEmpty && replaced.contains(BindingName(namespace: binding.namespace, name: binding.name))
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
