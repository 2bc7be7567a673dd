import KubeObject

/// Whom a binding names, as the user knows it: by name or by one of the groups.
enum SubjectKey: Hashable {
    case user(String)
    case group(String)
}

/// A RoleBinding or ClusterRoleBinding, read once.
struct RoleBindingView: Sendable {
    /// A subject, with the name under which it authenticates.
    struct Subject: Sendable {
        var kind: String
        var name: String
        var namespace: String

        var key: SubjectKey {
            switch kind {
            case "Group": .group(name)
            case "ServiceAccount": .user("system:serviceaccount:\(namespace):\(name)")
            default: .user(name)
            }
        }
    }

    var name: String
    /// Empty for a ClusterRoleBinding.
    var namespace: String
    var roleKind: String
    var roleName: String
    var subjects: [Subject]

    init(_ object: Object) {
        let tree = object.tree
        name = object.metadata.name
        namespace = object.metadata.namespace
        roleKind = tree["roleRef"]?["kind"]?.string ?? ""
        roleName = tree["roleRef"]?["name"]?.string ?? ""
        let own = namespace
        subjects = (tree["subjects"]?.elements ?? []).map {
            let given = $0["namespace"]?.string ?? ""
            return Subject(
                kind: $0["kind"]?.string ?? "", name: $0["name"]?.string ?? "", namespace: given.isEmpty ? own : given)
        }
    }

    /// What a SubjectAccessReview says of a permission that this binding gives.
    func describes(_ subject: Subject) -> String {
        let who =
            subject.kind == "ServiceAccount"
            ? "ServiceAccount \(quoted("\(subject.name)/\(subject.namespace)"))" : "\(subject.kind) \(quoted(subject.name))"
        let what =
            namespace.isEmpty ? "ClusterRoleBinding \(quoted(name))" : "RoleBinding \(quoted("\(name)/\(namespace)"))"
        return "RBAC: allowed by \(what) of \(roleKind) \(quoted(roleName)) to \(who)"
    }
}
