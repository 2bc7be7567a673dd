import KubeObject
import KubeSchema
import KubeStore

/// Nobody gives away by RBAC what they may not do themselves, unless they may `escalate` or `bind`.
enum RoleEscalation {
    static func check(
        _ object: JSON, old: JSON?, _ resource: ResourceType, _ context: RequestContext, _ authorizer: Authorizer
    ) throws(StatusError) {
        guard resource.group == rbacGroup, !context.isInternal, !context.user.groups.contains("system:masters") else { return }
        let namespace = object["metadata"]?.text("namespace") ?? ""
        let name = object["metadata"]?.text("name") ?? ""
        var granted: [PolicyRule]
        switch resource.plural {
        case "roles", "clusterroles":
            if let old, old["rules"] == object["rules"], old["aggregationRule"] == object["aggregationRule"] { return }
            if may("escalate", resource.plural, name, namespace, context, authorizer) { return }
            granted = (object["rules"]?.elements ?? []).map(PolicyRule.init)
            if object["aggregationRule"].map({ !$0.isEmpty }) ?? false {
                // Aggregation can come to hold anything.
                granted += [
                    PolicyRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"]),
                    PolicyRule(verbs: ["*"], nonResourceURLs: ["*"]),
                ]
            }
        case "rolebindings", "clusterrolebindings":
            if let old, old["roleRef"] == object["roleRef"], old["subjects"] == object["subjects"] { return }
            let kind = object["roleRef"]?.text("kind") ?? ""
            let role = object["roleRef"]?.text("name") ?? ""
            let plural = kind == "ClusterRole" ? "clusterroles" : "roles"
            if may("bind", plural, role, namespace, context, authorizer) { return }
            guard
                let rules = authorizer.rules(
                    roleKind: kind, roleName: role, namespace: namespace, in: context.cluster.snapshot)
            else { throw .notFound(GroupResource(group: rbacGroup, resource: plural), role) }
            granted = rules
        default: return
        }
        let owned = authorizer.rules(of: context.user, in: namespace, of: context.cluster)
        let missing = granted.filter { !$0.isCovered(by: owned) }
        guard !missing.isEmpty else { return }
        let groups = context.user.groups.map { quoted($0) }.joined(separator: " ")
        throw .forbidden(
            resource.groupResource, name,
            "user \(quoted(context.user.name)) (groups=[\(groups)]) is attempting to grant RBAC permissions not currently held:\n"
                + missing.map(compact).joined(separator: "\n"))
    }

    private static func may(
        _ verb: String, _ plural: String, _ name: String, _ namespace: String, _ context: RequestContext,
        _ authorizer: Authorizer
    ) -> Bool {
        authorizer.decide(
            AccessAttributes(
                user: context.user, verb: verb, apiGroup: rbacGroup, apiVersion: "v1", resource: plural, namespace: namespace,
                name: name),
            in: context.cluster
        ).isAllowed
    }

    /// `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`
    private static func compact(_ rule: PolicyRule) -> String {
        let parts = [
            ("APIGroups", rule.apiGroups), ("Resources", rule.resources), ("ResourceNames", rule.resourceNames),
            ("NonResourceURLs", rule.nonResourceURLs), ("Verbs", rule.verbs),
        ].filter { !$0.1.isEmpty }
        return "{" + parts.map { "\($0.0):[\($0.1.map { quoted($0) }.joined(separator: " "))]" }.joined(separator: ", ") + "}"
    }
}
