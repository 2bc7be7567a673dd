import KubeObject

/// What is checked of claims, of their own and in templates.
enum PersistentVolumeClaimValidation {
    static func validate(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        if !spec.has("accessModes") { errors.required("\(path).accessModes", "at least 1 access mode is required") }
        SelectorValidation.validate(spec.present("selector"), "\(path).selector", &errors)
        validateAccessModes(spec, path, &errors)
        let sizePath = "\(path).resources[storage]"
        if let value = spec[path: "resources", "requests", "storage"] {
            if let size = quantity(value), size <= Quantity(0) {
                errors.invalid(sizePath, .string(size.description), "must be greater than zero")
            }
        } else {
            errors.required(sizePath)
        }
        errors.optionalText(spec, "storageClassName", path, Names.subdomain)
        errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"], "\(path).volumeMode")
        validateSources(spec, path, &errors)
        errors.optionalText(spec, "volumeAttributesClassName", path, Names.subdomain)
    }

    static func validateAccessModes(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let all = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
        let modes = spec["accessModes"]?.strings ?? []
        for mode in modes where !all.contains(mode) { errors.notSupported("\(path).accessModes", .string(mode), all) }
        if modes.contains("ReadWriteOncePod"), modes.contains(where: { $0 != "ReadWriteOncePod" && all.contains($0) }) {
            errors.forbidden("\(path).accessModes", "may not use ReadWriteOncePod with other access modes")
        }
    }

    private static func validateSources(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let source = spec.present("dataSource")
        let reference = spec.present("dataSourceRef")
        for (key, value) in [("dataSource", source), ("dataSourceRef", reference)] {
            guard let value else { continue }
            let path = "\(path).\(key)"
            errors.texts(value, ["name", "kind"], path)
            if !value.has("apiGroup"), value.text("kind") != "PersistentVolumeClaim" {
                errors.invalid(
                    path, .string(value.text("kind")),
                    "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
            }
            errors.optionalText(value, "apiGroup", path, Names.subdomain)
            errors.optionalText(value, "namespace", path, Names.label)
        }
        guard let source, let reference else { return }
        if reference.has("namespace") {
            errors.invalid(path, .string("\(path).dataSource"), "may not be specified when dataSourceRef.namespace is specified")
        } else if ["apiGroup", "kind", "name"].contains(where: { !FieldErrors.isSame(source[$0], reference[$0]) }) {
            errors.invalid(path, .string("\(path).dataSource"), "must match dataSourceRef")
        }
    }

    private static let classAnnotation = "volume.beta.kubernetes.io/storage-class"

    /// A claim's wish is fixed; once bound it may grow, and change its class of attributes.
    static func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        var new = object["spec"] ?? [:]
        var before = old["spec"] ?? [:]
        let annotation = object[path: "metadata", "annotations", classAnnotation]?.string ?? ""
        let oldAnnotation = old[path: "metadata", "annotations", classAnnotation]?.string
        if !before.has("volumeName") { before["volumeName"] = new["volumeName"] }
        let className = new.present("storageClassName")?.string
        let hadClass = before.present("storageClassName") != nil
        if let oldAnnotation, !hadClass, className == oldAnnotation, annotation.isEmpty || annotation == oldAnnotation {
            new["storageClassName"] = nil
        } else {
            if annotation != oldAnnotation ?? "" {
                errors.invalid("metadata.annotations.\(classAnnotation)", .string(annotation), "field is immutable")
            }
            if let className, !hadClass, oldAnnotation == nil || oldAnnotation == className {
                new["storageClassName"] = before["storageClassName"]
            }
        }
        if object[path: "status", "phase"] == "Bound" {
            if new[path: "resources", "requests"] != nil {
                new[path: "resources", "requests", "storage"] = before[path: "resources", "requests", "storage"]
            }
            if new.present("volumeAttributesClassName") != nil {
                new["volumeAttributesClassName"] = before["volumeAttributesClassName"]
            }
        }
        if !FieldErrors.isSame(new, before) {
            errors.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"
                    + Difference.text(before, new))
        }
        validateSize(object, old, &errors)
        errors.immutable(object[path: "spec", "volumeMode"], old[path: "spec", "volumeMode"], "volumeMode")
        if old["spec"]?.present("volumeAttributesClassName") != nil {
            let path = "spec.volumeAttributesClassName"
            switch object["spec"]?.present("volumeAttributesClassName")?.string {
            case nil: errors.forbidden(path, "update from non-nil value to nil is forbidden")
            case ""?: errors.forbidden(path, "update from non-nil value to an empty string is forbidden")
            default: break
            }
        }
    }

    private static func validateSize(_ object: JSON, _ old: JSON, _ errors: inout FieldErrors) {
        func size(_ claim: JSON) -> Quantity { quantity(claim[path: "spec", "resources", "requests", "storage"]) ?? Quantity(0) }
        let now = size(object)
        guard now < size(old) else { return }
        if now <= quantity(old[path: "status", "capacity", "storage"]) ?? Quantity(0) {
            errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
        }
    }

    static func validateStatus(_ status: JSON, _ errors: inout FieldErrors) {
        func amounts(_ key: String, _ errors: inout FieldErrors) {
            for (name, value) in status[key]?.object ?? [:] {
                if let amount = quantity(value), amount < Quantity(0) {
                    errors.invalid("status.\(key)[\(name)]", .int(amount.value), "must be a valid resource quantity")
                }
            }
        }
        amounts("capacity", &errors)
        let states = [
            "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
            "NodeResizePending",
        ]
        for (name, value) in status["allocatedResourceStatuses"]?.object ?? [:] {
            validateResource(name, "status.allocatedResourceStatus", &errors)
            if !states.contains(value.string ?? "") {
                errors.notSupported("status.allocatedResourceStatus", .string(name), states)
            }
        }
        for name in (status["allocatedResources"]?.object ?? [:]).map(\.key) {
            validateResource(name, "status.allocatedResources", &errors)
        }
        amounts("allocatedResources", &errors)
    }

    private static func validateResource(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        let problems = Names.qualified(name)
        errors.invalid(path, name, problems)
        if problems.isEmpty, ResourceNames.isNative(name), name != "storage" {
            errors.notSupported(path, .string(name), ["storage"])
        }
    }
}
