import KubeObject
import KubeStore

/// What a node may do: read what the pods need that run there, and report about itself and them. Of what it may write only the kind is
/// looked at here; ``NodeRestriction`` looks at the objects.
///
/// Which pods are on a node is read from the snapshot with each request. Nodes of this server's own ask nobody, so that such
/// requests are few.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/node/
enum NodeAuthorizer {
    typealias Decision = Authorizer.Decision

    private static let allowed = Decision(isAllowed: true, reason: "")
    private static func refused(_ reason: String = "") -> Decision { Decision(isAllowed: false, reason: reason) }

    /// What every node may do, but for what is told apart by object.
    private static let rules: [PolicyRule] = {
        let key = Key(group: rbacGroup, plural: "clusterroles", namespace: "", name: "system:node")
        return (Bootstrap.base.snapshot.get(key)?.tree["rules"]?.elements ?? []).map(PolicyRule.init)
    }()

    static func decide(_ request: AccessAttributes, _ node: NodeIdentity, in snapshot: Snapshot) -> Decision {
        guard !node.name.isEmpty else { return refused("unknown node for user \(quoted(request.user.name))") }
        let relations = NodeRelations(node: node.name, snapshot: snapshot)
        switch (request.apiGroup, request.resource) {
        case ("", "secrets"), ("", "configmaps"): return read(request, relations)
        case ("", "persistentvolumeclaims") where request.subresource == "status":
            guard ["get", "update", "patch"].contains(request.verb) else {
                return refused("can only get/update/patch this type")
            }
            return related(request, relations)
        case ("", "persistentvolumeclaims"), ("", "persistentvolumes"), ("resource.k8s.io", "resourceclaims"),
            ("storage.k8s.io", "volumeattachments"):
            return get(request, relations)
        case ("", "serviceaccounts"): return account(request, relations)
        case ("coordination.k8s.io", "leases"): return lease(request, node.name)
        case ("storage.k8s.io", "csinodes"):
            return own(request, node.name, "CSINode", "CSINode")
        case ("resource.k8s.io", "resourceslices"): return slice(request, relations)
        case ("", "nodes"): return self.node(request, node.name)
        case ("", "pods"): return pod(request, relations)
        default: return rules.contains { $0.allows(request) } ? allowed : refused()
        }
    }

    // MARK: What the node's pods need

    private static func related(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        if request.name.isEmpty { return refused("No Object name found") }
        let isRelated = relations.reach(group: request.apiGroup, request.resource, request.namespace, request.name)
        return isRelated ? allowed : refused("no relationship found between node '\(relations.node)' and this object")
    }

    private static func get(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        guard request.verb == "get" else { return refused("can only get individual resources of this type") }
        return request.subresource.isEmpty ? related(request, relations) : refused("cannot get subresource")
    }

    private static func read(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        guard ["get", "list", "watch"].contains(request.verb) else { return refused("can only read resources of this type") }
        guard request.subresource.isEmpty else { return refused("cannot read subresource") }
        guard !request.namespace.isEmpty else { return refused("can only read namespaced object of this type") }
        return related(request, relations)
    }

    private static func account(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        if request.verb == "get", request.subresource.isEmpty { return related(request, relations) }
        guard request.verb == "create", !request.name.isEmpty else {
            return refused("can only create tokens for individual service accounts")
        }
        guard request.subresource == "token" else { return refused("can only create token subresource of serviceaccount") }
        return related(request, relations)
    }

    // MARK: What the node tells

    private static let ownVerbs: Set<String> = ["get", "create", "update", "patch", "delete"]

    private static func lease(_ request: AccessAttributes, _ node: String) -> Decision {
        guard ownVerbs.contains(request.verb) else {
            return refused("can only get, create, update, patch, or delete a node lease")
        }
        guard request.namespace == "kube-node-lease" else {
            return refused("can only access leases in the \(quoted("kube-node-lease")) system namespace")
        }
        return own(request, node, "node lease", "node lease")
    }

    /// What has the node's name. That of what is created is looked at in admission.
    private static func own(_ request: AccessAttributes, _ node: String, _ what: String, _ kind: String) -> Decision {
        guard ownVerbs.contains(request.verb) else {
            return refused("can only get, create, update, patch, or delete a \(what)")
        }
        guard request.subresource.isEmpty || what != "CSINode" else { return refused("cannot authorize CSINode subresources") }
        guard request.verb == "create" || request.name == node else {
            return refused("can only access \(kind) with the same name as the requesting node")
        }
        return allowed
    }

    private static func slice(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        guard request.subresource.isEmpty else { return refused("cannot authorize ResourceSlice subresources") }
        switch request.verb {
        case "create": return allowed
        case "get", "update", "patch", "delete": return related(request, relations)
        case "watch", "list", "deletecollection":
            return selects(request, "spec.nodeName", relations.node) || selects(request, "nodeName", relations.node)
                ? allowed : refused("can only list/watch/deletecollection resourceslices with nodeName field selector")
        default:
            return refused(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection"
            )
        }
    }

    private static func node(_ request: AccessAttributes, _ node: String) -> Decision {
        switch (request.subresource, request.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): return allowed
        case ("", "get"), ("", "list"), ("", "watch"):
            if request.name == node { return allowed }
            return request.name.isEmpty
                ? refused("node '\(node)' cannot read all nodes, only its own Node object")
                : refused("node '\(node)' cannot read '\(request.name)', only its own Node object")
        default: return refused()
        }
    }

    private static func pod(_ request: AccessAttributes, _ relations: NodeRelations) -> Decision {
        switch (request.subresource, request.verb) {
        case ("", "get"): return related(request, relations)
        case ("", "list"), ("", "watch"):
            if selects(request, "spec.nodeName", relations.node) { return allowed }
            if !request.name.isEmpty { return related(request, relations) }
            return refused("can only list/watch pods with spec.nodeName field selector")
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"): return allowed
        default: return refused()
        }
    }

    /// Whether a selector asks for one value of a field.
    private static func selects(_ request: AccessAttributes, _ field: String, _ value: String) -> Bool {
        request.fieldSelector.split(separator: ",").contains { $0 == "\(field)=\(value)" || $0 == "\(field)==\(value)" }
    }
}
