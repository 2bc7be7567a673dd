import KubeObject

/// ControllerRevision: its data never changes.
struct ControllerRevisionRules: KindRules {
    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        if object.present("data") == nil { errors.required("data", "data is mandatory") }
        errors.nonnegative(object["revision"], "revision")
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object["data"], old["data"], "data")
    }
}
