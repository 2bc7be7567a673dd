import KubeObject

/// VolumeAttributesClass: never changes.
struct VolumeAttributesClassRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        StorageParameters.validateDriver(object, "driverName", &errors)
        StorageParameters.validate(object["parameters"], "parameters", mayBeEmpty: false, &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for key in ["driverName", "parameters"] where !FieldErrors.isSame(object[key], old[key]) {
            errors.forbidden(key, "updates to \(key) are forbidden.")
        }
    }
}
