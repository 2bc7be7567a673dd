import KubeObject

/// PersistentVolumeClaim.
struct PersistentVolumeClaimRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) { Self.setClaimDefaults(&object) }

    static func setClaimDefaults(_ claim: inout JSON) {
        claim.setDefault("status", [:])
        claim.edit("status") { $0.setDefaultText("phase", "Pending") }
        claim.edit("spec") { spec in
            spec.setDefaultText("volumeMode", "Filesystem")
            spec.setDefault("resources", [:])
        }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["phase": "Pending"] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let modes = spec["accessModes"]?.elements ?? []
        if modes.isEmpty { errors.required("spec.accessModes", "at least 1 access mode is required") }
        for mode in modes {
            errors.oneOf(mode, ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"], "spec.accessModes")
        }
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            errors.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")
        }
        SelectorValidation.validate(spec["selector"], "spec.selector", &errors)
        if let storage = spec[path: "resources", "requests", "storage"] {
            if let text = quantityText(storage), let quantity = Result(catching: { try Quantity(text) }).value,
                quantity <= Quantity(0)
            {
                errors.invalid("spec.resources[storage]", .string(text), "must be greater than zero")
            }
        } else {
            errors.required("spec.resources[storage]")
        }
        errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"], "spec.volumeMode")
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        var new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        // Binding sets the volume; expansion asks for more; a class may be filled in.
        if !before.has("volumeName") { new["volumeName"] = before["volumeName"] }
        if before["storageClassName"]?.isNull ?? true { new["storageClassName"] = before["storageClassName"] }
        new["volumeAttributesClassName"] = before["volumeAttributesClassName"]
        if old["status"]?.text("phase") == "Bound" {
            let wanted = new[path: "resources", "requests", "storage"].flatMap(quantityText)
            let had = before[path: "resources", "requests", "storage"].flatMap(quantityText)
            if let wanted, let had, let wantedSize = Result(catching: { try Quantity(wanted) }).value,
                let hadSize = Result(catching: { try Quantity(had) }).value, wantedSize < hadSize
            {
                errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
            }
            new[path: "resources", "requests", "storage"] = before[path: "resources", "requests", "storage"]
        }
        if !FieldErrors.isSame(new, before) {
            errors.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n")
        }
    }
}

/// PersistentVolume.
struct PersistentVolumeRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefaultText("phase", "Pending") }
        object.edit("spec") { spec in
            spec.setDefaultText("persistentVolumeReclaimPolicy", "Retain")
            spec.setDefaultText("volumeMode", "Filesystem")
            spec.edit("hostPath") { $0.setDefault("type", "") }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["phase": "Pending", "lastPhaseTransitionTime": .string(Timestamp.now())]
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if !spec.has("accessModes") { errors.required("spec.accessModes") }
        for mode in spec["accessModes"]?.elements ?? [] {
            errors.oneOf(mode, ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"], "spec.accessModes")
        }
        if !spec.has("capacity") {
            errors.required("spec.capacity")
        } else if spec[path: "capacity", "storage"] == nil || spec["capacity"]?.object?.count != 1 {
            errors.notSupported("spec.capacity", spec["capacity"] ?? [:], ["storage"])
        }
        errors.oneOf(
            spec["persistentVolumeReclaimPolicy"], ["Delete", "Recycle", "Retain"], "spec.persistentVolumeReclaimPolicy")
        errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"], "spec.volumeMode")
        let plain: Set<String> = [
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
            "storageClassName", "volumeAttributesClassName", "volumeMode",
        ]
        let sources = (spec.object ?? [:]).filter { key, value in !plain.contains(key) && !value.isNull }
        if sources.isEmpty { errors.required("spec", "must specify a volume type") }
        if sources.count > 1, let second = sources.map(\.key).dropFirst().first {
            errors.forbidden("spec.\(second)", "may not specify more than 1 volume type")
        }
    }
}

/// StorageClass.
struct StorageClassRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefaultText("reclaimPolicy", "Delete")
        object.setDefaultText("volumeBindingMode", "Immediate")
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let provisioner = object.text("provisioner")
        if provisioner.isEmpty {
            errors.required("provisioner")
        } else {
            errors.invalid("provisioner", provisioner, Names.qualified(provisioner.lowercased()))
        }
        errors.oneOf(object["reclaimPolicy"], ["Delete", "Retain"], "reclaimPolicy")
        errors.oneOf(object["volumeBindingMode"], ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode", isRequired: true)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for key in ["parameters", "provisioner", "reclaimPolicy"] where !FieldErrors.isSame(object[key], old[key]) {
            errors.forbidden(key, "updates to \(key) are forbidden.")
        }
        errors.immutable(object["volumeBindingMode"], old["volumeBindingMode"], "volumeBindingMode")
    }
}

/// CSIDriver.
struct CSIDriverRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("attachRequired", true)
            spec.setDefault("podInfoOnMount", false)
            spec.setDefault("storageCapacity", false)
            spec.setDefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
            spec.setDefault("volumeLifecycleModes", ["Persistent"])
            spec.setDefault("requiresRepublish", false)
            spec.setDefault("seLinuxMount", false)
        }
    }
}
