import KubeObject

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

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.oneOf(spec["fsGroupPolicy"], ["File", "None", "ReadWriteOnceWithFSType"], "spec.fsGroupPolicy")
        var audiences: Set<String> = []
        errors.each(spec["tokenRequests"], "spec.tokenRequests") { request, path, errors in
            let audience = request.text("audience")
            if !audiences.insert(audience).inserted { return errors.duplicate("\(path).audience", .string(audience)) }
            guard let seconds = request["expirationSeconds"]?.int else { return }
            if seconds < 600 {
                errors.invalid("\(path).expirationSeconds", .int(seconds), "may not specify a duration less than 10 minutes")
            }
            if seconds > 1 << 32 {
                errors.invalid(
                    "\(path).expirationSeconds", .int(seconds), "may not specify a duration larger than 2^32 seconds")
            }
        }
        let modes = ["Persistent", "Ephemeral"]
        for mode in spec["volumeLifecycleModes"]?.strings ?? [] where !modes.contains(mode) {
            errors.notSupported("spec.volumeLifecycleModes", .string(mode), modes)
        }
        if let period = spec["nodeAllocatableUpdatePeriodSeconds"]?.int, period < 10 {
            errors.invalid(
                "spec.nodeAllocatableUpdatePeriodSeconds", .int(period), "must be greater than or equal to 10 seconds")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        errors.immutable(new["attachRequired"], before["attachRequired"], "spec.attachedRequired")
        errors.immutable(new["volumeLifecycleModes"], before["volumeLifecycleModes"], "spec.volumeLifecycleModes")
    }
}

/// CSINode.
struct CSINodeRules: KindRules {
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        errors.each(object[path: "spec", "drivers"], "spec.drivers") { driver, path, errors in
            let name = driver.text("name")
            VolumeSourceValidation.validateDriverName(name, "\(path).name", &errors)
            let identifier = driver.text("nodeID")
            if identifier.isEmpty { errors.required("\(path).nodeID") }
            if identifier.utf8.count > 256 {
                errors.invalid("\(path).nodeID", .string(identifier), "must be 256 characters or less")
            }
            errors.nonnegative(driver[path: "allocatable", "count"], "\(path).allocatable.count")
            if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            var keys: Set<String> = []
            for key in driver["topologyKeys"]?.strings ?? [] {
                if key.isEmpty { errors.required(path) }
                if !keys.insert(key).inserted { errors.duplicate(path, .string(key)) }
                errors.invalid(path, key, Names.qualified(key))
            }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for before in old[path: "spec", "drivers"]?.elements ?? [] {
            for var driver in object[path: "spec", "drivers"]?.elements ?? [] where driver["name"] == before["name"] {
                // How many volumes fit may change.
                driver["allocatable"] = before["allocatable"]
                errors.immutable(driver, before, "spec.drivers")
            }
        }
    }
}

/// CSIStorageCapacity: what was measured never changes.
struct CSIStorageCapacityRules: KindRules {
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        SelectorValidation.validate(object.present("nodeTopology"), "nodeTopology", &errors)
        let name = object.text("storageClassName")
        errors.invalid("storageClassName", name, Names.subdomain(name))
        for key in ["capacity", "maximumVolumeSize"] {
            if let amount = quantity(object[key]), amount < Quantity(0) {
                errors.invalid(key, .string(amount.description), "must be greater than or equal to 0")
            }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for key in ["nodeTopology", "storageClassName"] { errors.immutable(object[key], old[key], key) }
    }
}
