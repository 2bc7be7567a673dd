import KubeObject
import KubeSchema

/// The rules of every custom resource, as its definition says them.
struct CustomKind: KindRules {
    let version: CustomResourceVersion

    var countsGeneration: Bool { true }
    /// Without a status of its own, a change of the field `status` is one like any other.
    var countsStatus: Bool { !version.hasStatus }
    var allowsUnconditionalUpdate: Bool { false }
    var statusKeepsMetadata: Bool { true }

    /// By the definition as it is at the moment of the write, which may be newer than the one that the object was decoded by.
    func setDefaults(_ object: inout JSON) {
        version.schema.applyDefaults(to: &object)
        _ = version.schema.prune(&object)
    }

    func prepareForCreate(_ object: inout JSON) {
        if version.hasStatus { object["status"] = nil }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { add(version.validate(object, known: errors.list), to: &errors) }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        add(version.validate(object, old: old, known: errors.list), to: &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        add(version.validate(object, old: old, known: errors.list, isStatus: true), to: &errors)
    }

    private func add(_ outcome: StructuralSchema.RuleOutcome, to errors: inout FieldErrors) {
        for error in outcome.errors { errors.add(error) }
        errors.warnings += outcome.warnings
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        guard version.selectableFields.contains(where: { $0.text == path }) else { return nil }
        return version.fields(of: object.tree)[path]
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        // As upstream: such a finalizer is taken, but may clash with one of Kubernetes' own.
        let known = Set(old?[path: "metadata", "finalizers"]?.strings ?? [])
        return (object[path: "metadata", "finalizers"]?.strings ?? []).filter { finalizer in
            !known.contains(finalizer) && !finalizer.contains("/")
                && !["orphan", "foregroundDeletion", "kubernetes"].contains(finalizer)
        }.map { finalizer in
            "metadata.finalizers: \(quoted(finalizer)): prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
        }
    }
}
