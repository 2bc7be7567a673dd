import KubeObject
import KubeSchema
import KubeStore

/// What a request is to a webhook or a policy: its resource, maybe in another version than the client speaks.
struct AdmissionTarget: Sendable {
    var resource: ResourceType
    /// The kind of the object in this version.
    var kind: GroupVersionKind
}

/// Which requests a webhook, a policy or a binding is about.
struct MatchCriteria: Sendable {
    private let rules: [AdmissionRule]
    private let excluded: [AdmissionRule]
    private let namespaces: LabelSelector
    private let objects: LabelSelector
    private let isEquivalent: Bool
    /// Without rules everything matches, as for a binding; a webhook without any is never asked.
    private let matchesWithoutRules: Bool

    /// Of a webhook.
    init(webhook: JSON) {
        self.init(webhook, rules: "rules", matchesWithoutRules: false)
    }

    /// Of `matchConstraints` or `matchResources`, or of what isn't there.
    init(resources: JSON?) {
        self.init(resources ?? [:], rules: "resourceRules", matchesWithoutRules: true)
    }

    private init(_ tree: JSON, rules: String, matchesWithoutRules: Bool) {
        self.rules = (tree[rules]?.elements ?? []).map(AdmissionRule.init)
        excluded = (tree["excludeResourceRules"]?.elements ?? []).map(AdmissionRule.init)
        namespaces = Self.selector(tree["namespaceSelector"])
        objects = Self.selector(tree["objectSelector"])
        isEquivalent = tree.text("matchPolicy") != "Exact"
        self.matchesWithoutRules = matchesWithoutRules
    }

    /// Validation has seen to it that a stored selector is a good one.
    private static func selector(_ tree: JSON?) -> LabelSelector {
        guard let tree, !tree.isNull else { return LabelSelector() }
        return Result { try LabelSelector(tree) }.value ?? LabelSelector()
    }

    /// As what the request is meant, or nil when it isn't.
    ///
    /// - Throws: 404 when it would be meant, but its namespace is gone.
    func match(_ request: AdmissionRequest) throws(StatusError) -> AdmissionTarget? {
        let isNamespaceMissing: Bool
        switch matchesNamespace(request) {
        case false?: return nil
        case true?: isNamespaceMissing = false
        case nil: isNamespaceMissing = true
        }
        guard matchesObject(request) else { return nil }
        if find(excluded, request) != nil { return nil }
        let own = AdmissionTarget(resource: request.resource, kind: request.kind)
        guard let target = rules.isEmpty && matchesWithoutRules ? own : find(rules, request) else { return nil }
        if isNamespaceMissing {
            throw .notFound(GroupResource(group: "", resource: "namespaces"), request.reviewedNamespace)
        }
        return target
    }

    /// The resource's own version is looked for in all rules before any other is.
    private func find(_ rules: [AdmissionRule], _ request: AdmissionRequest) -> AdmissionTarget? {
        if rules.contains(where: { $0.matches(request.resource.gvr, request) }) {
            return AdmissionTarget(resource: request.resource, kind: request.kind)
        }
        guard isEquivalent, !rules.isEmpty else { return nil }
        let others = EquivalentResources.of(request)
        for rule in rules {
            if let other = others.first(where: { rule.matches($0.resource.gvr, request) }) { return other }
        }
        return nil
    }

    /// Nil when there is no such namespace.
    private func matchesNamespace(_ request: AdmissionRequest) -> Bool? {
        let name = request.reviewedNamespace
        if namespaces.isEmpty || name.isEmpty { return true }
        // A namespace that comes or changes is judged by the labels that it shall have.
        if request.isForNamespaces, request.subresource.isEmpty, request.operation == .create || request.operation == .update {
            return namespaces.matches(Self.labels(request.object))
        }
        guard let namespace = request.snapshot.get(Key(group: "", plural: "namespaces", name: name)) else { return nil }
        return namespaces.matches(namespace.metadata.labels)
    }

    /// The object as it was counts as well as the object as it shall be.
    private func matchesObject(_ request: AdmissionRequest) -> Bool {
        if objects.isEmpty { return true }
        if request.object["metadata"] != nil, objects.matches(Self.labels(request.object)) { return true }
        return request.old.map { objects.matches($0.metadata.labels) } ?? false
    }

    private static func labels(_ object: JSON) -> [String: String] { object[path: "metadata", "labels"]?.stringMap ?? [:] }
}

/// The same objects under other names: in other versions of the group and, for events, in another group.
enum EquivalentResources {
    static func of(_ request: AdmissionRequest) -> [AdmissionTarget] {
        let resource = request.resource
        let schema = request.registry.schema(of: request.context.cluster, at: request.snapshot)
        var groups = [resource.group]
        if resource.storedAs.group != resource.group { groups.append(resource.storedAs.group) }
        if resource.plural == "events", resource.group.isEmpty { groups.append("events.k8s.io") }
        var result: [AdmissionTarget] = []
        for group in groups {
            for version in schema.group(group)?.versions ?? [] where version.groupVersion != resource.groupVersion {
                guard let other = schema.resource(version.groupVersion.resource(resource.plural)) else { continue }
                if request.subresource.isEmpty {
                    result.append(AdmissionTarget(resource: other, kind: other.gvk))
                } else if let part = other.subresource(request.subresource) {
                    result.append(AdmissionTarget(resource: other, kind: part.kind))
                }
            }
        }
        return result
    }
}
