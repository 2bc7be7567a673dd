import KubeObject

/// ResourceSlices: the devices that a driver offers.
struct ResourceSliceRules: KindRules {
    var countsGeneration: Bool { true }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { validate(object["spec"] ?? [:], old: nil, &errors) }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object["spec"] ?? [:], old: old["spec"] ?? [:], &errors)
    }

    private func validate(_ spec: JSON, old: JSON?, _ errors: inout FieldErrors) {
        DeviceValidation.validateDriver(spec.text("driver"), "spec.driver", &errors)
        let pool = spec["pool"] ?? [:]
        validatePoolName(pool.text("name"), "spec.pool.name", &errors)
        let (slices, generation) = (pool["resourceSliceCount"]?.int ?? 0, pool["generation"]?.int ?? 0)
        if slices <= 0 { errors.invalid("spec.pool.resourceSliceCount", .int(slices), "must be greater than zero") }
        if generation < 0 {
            errors.invalid("spec.pool.generation", .int(generation), "must be greater than or equal to zero")
        }
        if let old {
            errors.immutable(pool["name"], old[path: "pool", "name"], "spec.pool.name")
            errors.immutable(spec["driver"], old["driver"], "spec.driver")
            errors.immutable(spec["nodeName"], old["nodeName"], "spec.nodeName")
        }
        validatePlace(spec, "spec", ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"], &errors)
        DeviceValidation.validateNamed(spec["devices"], 128, "spec.devices", &errors) { device, path, errors in
            validateDevice(device, path, &errors)
            if spec["perDeviceNodeSelection"] == true {
                validatePlace(device, path, ["nodeName", "nodeSelector", "allNodes"], &errors)
            }
        }
        DeviceValidation.validateNamed(spec["sharedCounters"], 8, "spec.sharedCounters", &errors) { set, path, errors in
            errors.invalid("\(path).name", set.text("name"), Names.label(set.text("name")))
            if set["counters"]?.isEmpty ?? true { errors.required("\(path).counters") }
        }
    }

    private func validatePoolName(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        if name.isEmpty { return errors.required(path) }
        if name.utf8.count > 253 { errors.tooLong(path, 253) }
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            errors.invalid(path, String(part), Names.subdomain(String(part)))
        }
    }

    /// Where the devices are: exactly one way of saying so.
    private func validatePlace(_ place: JSON, _ path: String, _ keys: [String], _ errors: inout FieldErrors) {
        var found: [String] = []
        for key in keys {
            guard let value = place.present(key) else { continue }
            switch value {
            case "": errors.invalid("\(path).\(key)", value, "must be either unset or set to a non-empty string")
            case false: errors.invalid("\(path).\(key)", value, "must be either unset or set to true")
            default: found.append("`\(key)`")
            }
            if key == "nodeName", let name = value.string, !name.isEmpty {
                errors.invalid("\(path).nodeName", name, Names.subdomain(name))
            }
            if key == "nodeSelector" {
                SchedulingValidation.validateNodeSelector(value, "\(path).nodeSelector", &errors)
                if value["nodeSelectorTerms"]?.elements.count != 1 {
                    errors.invalid(
                        "\(path).nodeSelector.nodeSelectorTerms", value["nodeSelectorTerms"],
                        "must have exactly one node selector term")
                }
            }
        }
        let detail = "exactly one of \(keys.map { "`\($0)`" }.joined(separator: ", ")) is required"
        if found.isEmpty { errors.required(path, detail) }
        if found.count > 1 {
            errors.invalid(
                path, .string("{\(found.joined(separator: ", "))}"), "\(detail), but multiple fields are set")
        }
    }

    private func validateDevice(_ device: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.invalid("\(path).name", device.text("name"), Names.label(device.text("name")))
        let attributes = device["attributes"]?.object ?? [:]
        let capacities = device["capacity"]?.object ?? [:]
        let count = attributes.count + capacities.count
        if count > 32 {
            errors.invalid(
                path, .int(Int64(count)), "the total number of attributes and capacities must not exceed 32")
        }
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
            let path = "\(path).attributes[\(name)]"
            DeviceValidation.validateQualifiedName(name, path, &errors)
            let kinds = (value.object ?? [:]).filter { $0.value != .null }
            if kinds.isEmpty { errors.required(path, "exactly one value must be specified") }
            if kinds.count > 1 { errors.invalid(path, value, "exactly one value must be specified") }
            for key in ["string", "version"] where value.text(key).utf8.count > 64 {
                errors.tooLong("\(path).\(key)", 64)
            }
        }
        for name in capacities.map(\.key).sorted() {
            DeviceValidation.validateQualifiedName(name, "\(path).capacity[\(name)]", &errors)
        }
        DeviceValidation.validateList(device["taints"], 16, "\(path).taints", &errors) { taint, path, errors in
            errors.invalid("\(path).key", taint.text("key"), Names.qualified(taint.text("key")))
            errors.invalid("\(path).value", taint.text("value"), Names.labelValue(taint.text("value")))
            errors.oneOf(
                taint["effect"], ["NoExecute", "NoSchedule", "None"], "\(path).effect", isRequired: true)
        }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        switch path {
        case "spec.nodeName", "spec.driver": object.tree["spec"]?.text(String(path.dropFirst(5))) ?? ""
        default: nil
        }
    }
}
