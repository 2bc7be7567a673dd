import KubeObject
import KubeSchema

/// The objects that a list or watch asks for, by labels and fields.
struct Selection: Sendable {
    var labels: LabelSelector
    var fields: FieldSelector
    /// The one name that can match, if the fields ask for one.
    var name: String?
    private var others: [FieldSelector.Requirement]
    private let rules: any KindRules
    /// Whether it asks for fields of a custom object, which in another version may be elsewhere, or be something else. Such a selection is for
    /// objects in the version that was asked for; ``ofStored`` is for those on their way there.
    let isOfVersion: Bool

    /// - Throws: 400 for a selector that can't be read or a field that the kind can't be selected by.
    init(_ options: ListOptions, _ resource: ResourceType) throws(StatusError) {
        do {
            labels = try LabelSelector(parsing: options.labelSelector)
        } catch {
            throw .badRequest("\(error)")
        }
        do {
            fields = try FieldSelector(parsing: options.fieldSelector)
        } catch {
            throw .badRequest("\(error)")
        }
        rules = resource.rules
        name = fields.requiredValue("metadata.name")
        others = fields.requirements
        isOfVersion = resource.definition != nil && others.contains { !Self.isCommon($0.path, resource) }
        for requirement in others where !Self.isCommon(requirement.path, resource) {
            guard Self.known(requirement.path, rules, resource) else {
                throw .badRequest(Self.unknown(requirement.path, resource))
            }
        }
    }

    /// Kinds that upstream knows more fields of say it in their own words.
    private static func unknown(_ path: String, _ resource: ResourceType) -> String {
        if resource.definition != nil { return "field label not supported: \(path)" }
        return switch (resource.storedAs.group, resource.plural) {
        case ("", "pods"), ("", "nodes"), ("", "namespaces"), ("", "secrets"), ("", "events"), ("", "services"),
            ("", "replicationcontrollers"), ("certificates.k8s.io", "certificatesigningrequests"):
            "field label not supported: \(path)"
        case ("resource.k8s.io", "resourceslices"):
            "field label not supported for \(resource.storedAs.apiVersion), Kind=\(resource.kind): \(path)"
        case ("batch", "jobs"): "field label \(quoted(path)) not supported for Job"
        default: "\(quoted(path)) is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        }
    }

    private static func isCommon(_ path: String, _ resource: ResourceType) -> Bool {
        // Cluster-scoped custom objects have no namespace to be selected by; upstream's other kinds have an empty one.
        path == "metadata.name" || path == "metadata.namespace" && (resource.definition == nil || resource.isNamespaced)
    }

    private static func known(_ path: String, _ rules: any KindRules, _ resource: ResourceType) -> Bool {
        let empty: JSON = ["apiVersion": .string(resource.storedAs.apiVersion), "kind": .string(resource.kind), "metadata": [:]]
        guard let object = Result(catching: { try Object(empty, resourceVersion: 0) }).value else { return false }
        return rules.selectableField(path, of: object) != nil
    }

    /// What can be told of an object in any version.
    var ofStored: Selection {
        guard isOfVersion else { return self }
        var selection = self
        selection.others = others.filter { $0.path == "metadata.name" || $0.path == "metadata.namespace" }
        return selection
    }

    var isEmpty: Bool { labels.isEmpty && others.isEmpty }

    /// Whether an object is asked for.
    func matches(_ object: Object) -> Bool {
        if !labels.isEmpty, !labels.matches(object.metadata.labels) { return false }
        for requirement in others {
            let value =
                switch requirement.path {
                case "metadata.name": object.metadata.name
                case "metadata.namespace": object.metadata.namespace
                default: rules.selectableField(requirement.path, of: object) ?? ""
                }
            if (value == requirement.value) == requirement.isNegated { return false }
        }
        return true
    }
}
