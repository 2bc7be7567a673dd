import KubeObject

/// What a team needs in the root cluster, as objects: its namespace, and its members' permissions. Pure.
enum TeamObjects {
    /// Says on a namespace whose it is.
    static let label = "sampan.dev/team"

    /// One that is to be there.
    struct Wanted {
        var resource: GroupResource
        var object: JSON
        var name: String { object["metadata"]?["name"]?.string ?? "" }
        var namespace: String { object["metadata"]?["namespace"]?.string ?? "" }
    }

    private static let rbac = "rbac.authorization.k8s.io"
    static let roleBindings = GroupResource(group: rbac, resource: "rolebindings")
    static let clusterRoles = GroupResource(group: rbac, resource: "clusterroles")
    static let clusterRoleBindings = GroupResource(group: rbac, resource: "clusterrolebindings")

    static func namespace(_ team: Team) -> JSON {
        [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": [
                "name": .string(team.name), "labels": [label: .string(team.name)], "ownerReferences": owner(team),
            ],
        ]
    }

    /// Bindings in the team's namespace for each role, and what lets members see the team itself. A binding without subjects stays, so that
    /// taking the last member out is a change like any other.
    static func access(_ team: Team) -> [Wanted] {
        var wanted: [Wanted] = Team.Role.allCases.map { role in
            Wanted(
                resource: roleBindings,
                object: binding(
                    "RoleBinding", "sampan:\(role.rawValue)", to: "sampan:team-\(role.rawValue)", namespace: team.name,
                    team.members.filter { $0.role == role }, team))
        }
        for (part, verbs, members) in [
            ("member", ["get"], team.members), ("owner", ["get", "patch", "update"], team.members.filter { $0.role == .owner }),
        ] {
            let name = "sampan:team:\(team.name):\(part)"
            wanted.append(
                Wanted(
                    resource: clusterRoles,
                    object: [
                        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                        "metadata": ["name": .string(name), "ownerReferences": owner(team)],
                        "rules": [
                            [
                                "apiGroups": [.string(Platform.group)], "resources": [.string(Platform.teams.resource)],
                                "resourceNames": [.string(team.name)], "verbs": JSON(verbs),
                            ],
                            [
                                "apiGroups": [.string(Platform.group)],
                                "resources": [.string("\(Platform.teams.resource)/usage")],
                                "resourceNames": [.string(team.name)], "verbs": ["create"],
                            ],
                        ],
                    ]))
            wanted.append(
                Wanted(
                    resource: clusterRoleBindings,
                    object: binding("ClusterRoleBinding", name, to: name, namespace: nil, members, team)))
        }
        return wanted
    }

    /// The roles that all teams' bindings name, of the root cluster.
    static let roles: [JSON] = {
        func rule(_ groups: [String], _ resources: [String], _ verbs: [String]) -> JSON {
            ["apiGroups": JSON(groups), "resources": JSON(resources), "verbs": JSON(verbs)]
        }
        func role(_ role: Team.Role, _ rules: [JSON]) -> JSON {
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": ["name": .string("sampan:team-\(role.rawValue)")], "rules": .array(rules),
            ]
        }
        let clusters = Platform.virtualClusters.resource
        let deleted = Platform.deletedClusters.resource
        let see = [
            rule([Platform.group], [clusters, "\(clusters)/status"], ["get", "list", "watch"]),
            rule([Platform.group], [deleted], ["get", "list", "watch"]),
            rule([Platform.group], ["\(clusters)/kubeconfig", "\(clusters)/explain", "\(clusters)/network"], ["create"]),
            rule(["", "events.k8s.io"], ["events"], ["get", "list", "watch"]),
        ]
        let use = [
            rule([Platform.group], [clusters], ["create", "delete", "deletecollection", "patch", "update"]),
            rule([Platform.group], [deleted], ["delete", "deletecollection"]),
            rule([Platform.group], ["\(deleted)/undelete"], ["create"]),
            rule(
                [Platform.group], ["\(clusters)/sleep", "\(clusters)/wake", "\(clusters)/clone", "\(clusters)/import"], ["create"]
            ),
        ]
        let authority = [rule([Platform.group], ["\(clusters)/authority", "\(clusters)/export"], ["create"])]
        return [role(.viewer, see), role(.developer, see + use), role(.owner, see + use + authority)]
    }()

    private static func binding(
        _ kind: String, _ name: String, to role: String, namespace: String?, _ members: [Team.Member], _ team: Team
    ) -> JSON {
        var metadata: JSON = ["name": .string(name), "ownerReferences": owner(team)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        return [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": metadata,
            "roleRef": ["apiGroup": .string(rbac), "kind": "ClusterRole", "name": .string(role)],
            "subjects": .array(members.map(subject)),
        ]
    }

    private static let accountPrefix = "system:serviceaccount:"

    private static func subject(_ member: Team.Member) -> JSON {
        let account = member.name.split(separator: ":", omittingEmptySubsequences: false)
        if !member.isGroup, member.name.hasPrefix(accountPrefix), account.count == 4 {
            return ["kind": "ServiceAccount", "namespace": .string(String(account[2])), "name": .string(String(account[3]))]
        }
        return ["apiGroup": .string(rbac), "kind": member.isGroup ? "Group" : "User", "name": .string(member.name)]
    }

    private static func owner(_ team: Team) -> JSON {
        [
            [
                "apiVersion": .string(Platform.version.apiVersion), "kind": "Team", "name": .string(team.name),
                "uid": .string(team.object.metadata.uid), "controller": true,
            ]
        ]
    }
}
