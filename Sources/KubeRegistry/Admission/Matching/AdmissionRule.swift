import KubeObject

/// Which operations on which resources a webhook or a policy is about (`RuleWithOperations`).
struct AdmissionRule: Sendable {
    private let operations: [String]
    private let groups: [String]
    private let versions: [String]
    /// Each with its subresource, which is empty for the resource itself.
    private let resources: [(resource: String, subresource: String)]
    private let scope: String
    /// Empty for every name.
    private let names: [String]

    init(_ tree: JSON) {
        operations = tree["operations"]?.strings ?? []
        groups = tree["apiGroups"]?.strings ?? []
        versions = tree["apiVersions"]?.strings ?? []
        resources = (tree["resources"]?.strings ?? []).map { text in
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
        }
        scope = tree.text("scope")
        names = tree["resourceNames"]?.strings ?? []
    }

    /// - Parameter gvr: the request's own resource, or one that is the same in another version.
    func matches(_ gvr: GroupVersionResource, _ request: AdmissionRequest) -> Bool {
        func has(_ list: [String], _ value: String) -> Bool { list.contains { $0 == "*" || $0 == value } }
        return has(operations, request.operation.rawValue) && has(groups, gvr.group) && has(versions, gvr.version)
            && resources.contains { entry in
                (entry.resource == "*" || entry.resource == gvr.resource)
                    && (entry.subresource == "*" || entry.subresource == request.subresource)
            } && isInScope(request) && (names.isEmpty || names.contains(request.name))
    }

    private func isInScope(_ request: AdmissionRequest) -> Bool {
        switch scope {
        case "Namespaced": !request.namespace.isEmpty && !request.isForNamespaces
        case "Cluster": request.namespace.isEmpty || request.isForNamespaces
        default: true
        }
    }
}
