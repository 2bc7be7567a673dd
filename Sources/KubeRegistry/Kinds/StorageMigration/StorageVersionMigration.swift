import KubeObject

/// StorageVersionMigration: asks for a resource's objects to be stored anew.
struct StorageVersionMigrationRules: KindRules {
    var allowsUnconditionalUpdate: Bool { false }
    var statusKeepsMetadata: Bool { true }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        if (object[path: "spec", "resource"] ?? [:]).text("resource").isEmpty {
            errors.required("spec.resource.resource", "resource is required")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for field in ["group", "resource"] {
            errors.immutable(object[path: "spec", "resource", field], old[path: "spec", "resource", field], field)
        }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let path = "status.resourceVersion"
        let version = object["status"]?.text("resourceVersion") ?? ""
        let before = old["status"]?.text("resourceVersion") ?? ""
        if !version.isEmpty, UInt64(version) == nil {
            errors.invalid(path, .string(version), "failed to parse resource version \(quoted(version))")
        }
        if !before.isEmpty, before != version { errors.invalid(path, .string(version), "cannot be updated") }
        let conditions = object[path: "status", "conditions"] ?? []
        func isTrue(_ type: String, in conditions: JSON) -> Bool {
            conditions.elements.contains { $0.text("type") == type && $0.text("status") == "True" }
        }
        func refuse(_ detail: String) { errors.invalid("status.conditions", conditions, detail) }
        let isDone = isTrue("Succeeded", in: conditions)
        let hasFailed = isTrue("Failed", in: conditions)
        let isRunning = isTrue("Running", in: conditions)
        if isDone, hasFailed { refuse("Both success and failed conditions cannot be true at the same time") }
        if isDone, isRunning { refuse("Running condition cannot be true when success condition is true") }
        if hasFailed, isRunning { refuse("Running condition cannot be true when failed condition is true") }
        let earlier = old[path: "status", "conditions"] ?? []
        if isTrue("Succeeded", in: earlier), !isDone { refuse("Success condition cannot be set to false once it is true") }
        if isTrue("Failed", in: earlier), !hasFailed { refuse("Failed condition cannot be set to false once it is true") }
    }
}
