import KubeObject
import KubeStore

/// A team as its object says it.
struct Team {
    enum Role: String, CaseIterable {
        case owner, developer, viewer
    }

    struct Member: Hashable {
        /// Or a group's.
        var name: String
        var isGroup: Bool
        var role: Role
    }

    let object: Object
    var name: String { object.metadata.name }

    init(_ object: Object) { self.object = object }

    /// The team that owns a namespace.
    init?(of namespace: String, in snapshot: Snapshot) {
        guard namespace != ClusterName.noTeam, let object = snapshot.get(Self.key(namespace)) else { return nil }
        self.init(object)
    }

    static func key(_ name: String) -> Key {
        Key(group: Platform.group, plural: Platform.teams.resource, namespace: "", name: name)
    }

    var members: [Member] {
        (object.tree[path: "spec", "members"]?.elements ?? []).compactMap { member in
            guard let role = Role(rawValue: member["role"]?.string ?? "") else { return nil }
            let group = member["group"]?.string ?? ""
            return Member(name: group.isEmpty ? member["user"]?.string ?? "" : group, isGroup: !group.isEmpty, role: role)
        }
    }

    /// How many clusters it may have; nil for any number.
    var clusterQuota: Int64? { object.tree[path: "spec", "quota", "clusters"]?.int }
    /// How many of them may be awake at once; nil for any number.
    var awakeQuota: Int64? { object.tree[path: "spec", "quota", "awakeClusters"]?.int }
    var defaultLifetime: String? {
        object.tree[path: "spec", "clusterLifetime", "default"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    var maximumLifetimeText: String? {
        object.tree[path: "spec", "clusterLifetime", "maximum"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    /// Seconds.
    var maximumLifetime: Double? { (object.tree[path: "spec", "clusterLifetime", "maximum"]?.string).flatMap(Lifetime.seconds) }

    /// After how long without use its clusters fall asleep.
    var defaultIdle: String? {
        object.tree[path: "spec", "clusterSleep", "default"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    var maximumIdleText: String? {
        object.tree[path: "spec", "clusterSleep", "maximum"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    /// Seconds.
    var maximumIdle: Double? { (object.tree[path: "spec", "clusterSleep", "maximum"]?.string).flatMap(Lifetime.seconds) }

    /// How long credentials are valid that its members ask for, in seconds.
    var maximumCredentialLifetime: Double? {
        (object.tree[path: "spec", "credentialLifetime", "maximum"]?.string).flatMap(Lifetime.seconds)
    }

    var isolation: TeamIsolation { TeamIsolation(object.tree["spec"] ?? [:]) }

    /// Its virtual clusters.
    static func clusters(of name: String, in snapshot: Snapshot) -> [Object] {
        snapshot.list(
            prefix: Key.prefix(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: name))
    }
}
