import KubeObject
import KubeSchema

/// What a review of access must be like.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/
enum AccessReviewRules {
    /// Checks a review; for namespaced ones in its namespace.
    ///
    /// - Throws: 422 with everything that is wrong, about no kind, as upstream.
    static func check(_ review: JSON, _ resource: ResourceType, namespace: String) throws(StatusError) {
        let spec = review["spec"] ?? [:]
        let asked = (resource: spec.object("resourceAttributes"), path: spec.object("nonResourceAttributes"))
        var errors: [FieldError] = []
        if let path = asked.path, asked.resource != nil {
            errors.append(
                FieldError(
                    .invalid, "spec.nonResourceAttributes", nil, "cannot be specified in combination with resourceAttributes",
                    shownValue: shown(path)))
        }
        if asked.path == nil, asked.resource == nil {
            errors.append(
                .invalid(
                    "spec.resourceAttributes", nil,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        }
        if resource.kind != "SelfSubjectAccessReview", spec.text("user").isEmpty, spec["groups"]?.elements.isEmpty ?? true {
            errors.append(.invalid("spec.user", .string(""), "at least one of user or group must be specified"))
        }
        if let asked = asked.resource {
            for key in ["fieldSelector", "labelSelector"] {
                check(asked.object(key), "spec.resourceAttributes.\(key)", &errors)
            }
        }
        errors += metadataErrors(review, resource)
        if resource.kind == "LocalSubjectAccessReview" {
            if let asked = asked.resource, asked.text("namespace") != namespace {
                errors.append(
                    .invalid(
                        "spec.resourceAttributes.namespace", .string(asked.text("namespace")), "must match metadata.namespace"))
            }
            if let path = asked.path {
                errors.append(
                    FieldError(
                        .invalid, "spec.nonResourceAttributes", nil, "disallowed on this kind of request",
                        shownValue: shown(path)))
            }
        }
        guard !errors.isEmpty else { return }
        throw .invalid(GroupKind(group: resource.group, kind: ""), "", errors)
    }

    private static func check(_ selector: JSON?, _ path: String, _ errors: inout [FieldError]) {
        guard let selector else { return }
        let raw = selector.text("rawSelector")
        let hasRequirements = !(selector["requirements"]?.elements.isEmpty ?? true)
        if !raw.isEmpty, hasRequirements {
            errors.append(
                .invalid("\(path).rawSelector", .string(raw), "may not specified at the same time as requirements"))
        }
        if raw.isEmpty, !hasRequirements {
            errors.append(
                .required("\(path).requirements", "when \(path) is specified, requirements or rawSelector is required"))
        }
    }

    /// A review is about nobody's metadata; a namespaced one has a namespace.
    private static func metadataErrors(_ review: JSON, _ resource: ResourceType) -> [FieldError] {
        var metadata = review["metadata"] ?? [:]
        for key in ["managedFields", "namespace", "creationTimestamp"] { metadata[key] = nil }
        guard metadata.object?.isEmpty == false else { return [] }
        let detail = resource.isNamespaced ? "must be empty except for namespace" : "must be empty"
        return [.invalid("metadata", metadata, detail)]
    }

    /// As Go's own type is printed.
    private static func shown(_ path: JSON) -> String {
        "{\"Path\":\(JSON.string(path.text("path")).text),\"Verb\":\(JSON.string(path.text("verb")).text)}"
    }
}

extension JSON {
    /// A member that is an object.
    fileprivate func object(_ key: String) -> JSON? { self[key].flatMap { $0.object == nil ? nil : $0 } }
}
