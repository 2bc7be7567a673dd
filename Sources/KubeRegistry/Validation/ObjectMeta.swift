import KubeObject

/// The checks of `metadata` that all kinds have in common.
enum ObjectMetaValidation {
    static let totalAnnotationSize = 256 * 1024

    static func validate(_ object: JSON, isNamespaced: Bool, nameRule: NameRule, _ errors: inout FieldErrors) {
        let metadata = object["metadata"] ?? [:]
        let generateName = metadata.text("generateName")
        if !generateName.isEmpty {
            errors.invalid("metadata.generateName", generateName, nameRule.problems(ofPrefix: generateName))
        }
        let name = metadata.text("name")
        if name.isEmpty {
            errors.required("metadata.name", "name or generateName is required")
        } else {
            errors.invalid("metadata.name", name, nameRule.problems(of: name))
        }
        let namespace = metadata.text("namespace")
        if isNamespaced {
            if namespace.isEmpty {
                errors.required("metadata.namespace")
            } else {
                errors.invalid("metadata.namespace", namespace, Names.label(namespace))
            }
        } else if !namespace.isEmpty {
            errors.forbidden("metadata.namespace", "not allowed on this type")
        }
        if let generation = metadata["generation"]?.int, generation < 0 {
            errors.invalid("metadata.generation", .int(generation), "must be greater than or equal to 0")
        }
        validateCommon(metadata, &errors)
    }

    /// What is checked on create and on update alike.
    static func validateCommon(_ metadata: JSON, _ errors: inout FieldErrors) {
        validateLabels(metadata["labels"], "metadata.labels", &errors)
        validateAnnotations(metadata["annotations"], "metadata.annotations", &errors)
        validateOwners(metadata["ownerReferences"]?.elements ?? [], &errors)
        for finalizer in metadata["finalizers"]?.strings ?? [] {
            errors.invalid("metadata.finalizers", finalizer, Names.qualified(finalizer))
        }
        let finalizers = metadata["finalizers"]?.strings ?? []
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            errors.invalid(
                "metadata.finalizers", .array(finalizers.map { .string($0) }),
                "finalizer orphan and foregroundDeletion cannot be both set")
        }
    }

    static func validateLabels(_ labels: JSON?, _ path: String, _ errors: inout FieldErrors) {
        for (key, value) in labels?.object ?? [:] {
            errors.invalid(path, key, Names.qualified(key))
            if let text = value.string { errors.invalid(path, text, Names.labelValue(text)) }
        }
    }

    static func validateAnnotations(_ annotations: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var size = 0
        for (key, value) in annotations?.object ?? [:] {
            errors.invalid(path, key, Names.qualified(key.lowercased()))
            size += key.utf8.count + (value.string?.utf8.count ?? 0)
        }
        if size > totalAnnotationSize { errors.add(.tooLong(path, maximum: totalAnnotationSize)) }
    }

    /// The metadata of something that is made from a template: labels and annotations, nothing else.
    static func validateTemplate(_ metadata: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateAnnotations(metadata["annotations"], "\(path).annotations", &errors)
        validateLabels(metadata["labels"], "\(path).labels", &errors)
        for (key, value) in metadata.object ?? [:] where key != "annotations" && key != "labels" && !value.isEmpty {
            errors.forbidden("\(path).\(key)", "cannot be set")
        }
    }

    private static func validateOwners(_ owners: [JSON], _ errors: inout FieldErrors) {
        var controller: String?
        for owner in owners {
            // Upstream says the list's path, not the element's.
            let path = "metadata.ownerReferences"
            if owner.text("apiVersion").isEmpty {
                errors.invalid("\(path).apiVersion", .string(""), "version must not be empty")
            }
            for key in ["kind", "name", "uid"] where owner.text(key).isEmpty {
                errors.invalid("\(path).\(key)", .string(""), "must not be empty")
            }
            if owner.text("kind") == "Event", owner.text("apiVersion") == "v1" {
                errors.invalid(path, .string("/v1, Kind=Event"), "/v1, Kind=Event is disallowed from being an owner")
            }
            if owner["controller"]?.bool == true {
                if let controller {
                    errors.invalid(
                        "metadata.ownerReferences", .array(owners),
                        "Only one reference can have Controller set to true. Found \"true\" in references for \(controller) and "
                            + owner.text("name"))
                } else {
                    controller = owner.text("name")
                }
            }
        }
    }

    /// The fields that no update may change; the caller has already carried over those that it may leave out.
    static func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let new = object["metadata"] ?? [:]
        let before = old["metadata"] ?? [:]
        if before.has("deletionTimestamp") {
            let known = Set(before["finalizers"]?.strings ?? [])
            let added = (new["finalizers"]?.strings ?? []).filter { !known.contains($0) }
            if !added.isEmpty {
                let list = added.map { quoted($0) }.joined(separator: ", ")
                errors.forbidden(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{\(list)}")
            }
        }
        for key in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            errors.immutable(new[key], before[key], "metadata.\(key)")
        }
        validateCommon(new, &errors)
    }
}

/// What a kind's names must be.
enum NameRule: Sendable {
    case subdomain
    case label
    case label1035
    case pathSegment
    /// Names that upstream checks by a rule of the kind's own.
    case custom(@Sendable (String) -> [String])

    func problems(of name: String) -> [String] {
        switch self {
        case .subdomain: Names.subdomain(name)
        case .label: Names.label(name)
        case .label1035: Names.label1035(name)
        case .pathSegment: Names.pathSegment(name)
        case .custom(let rule): rule(name)
        }
    }

    /// What is wrong with the beginning of a name, which may end in a dash.
    func problems(ofPrefix prefix: String) -> [String] {
        if case .pathSegment = self { return Names.pathSegment(prefix) }
        return problems(of: prefix.hasSuffix("-") && prefix.utf8.count > 1 ? prefix.dropLast() + "a" : prefix)
    }
}
