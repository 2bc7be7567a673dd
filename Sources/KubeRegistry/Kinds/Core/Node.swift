import KubeObject

/// Node.
struct NodeRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.setDefault("spec", [:])
        object.setDefault("status", [:])
        object.edit("status") { status in
            if status.has("capacity") { status.setDefault("allocatable", status["capacity"] ?? [:]) }
        }
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        // The first of the ranges has an older name, too.
        object.edit("spec") { spec in
            if spec.has("podCIDR"), !spec.has("podCIDRs") { spec["podCIDRs"] = spec["podCIDR"].map { [$0] } }
        }
    }

    func prepareForCreate(_ object: inout JSON) { prepareForUpdate(&object, old: [:]) }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        // Upstream takes the taints for a part of the metadata.
        validateTaints(object[path: "spec", "taints"], "metadata.taints", &errors)
        validateAmounts(object, &errors)
        validateRanges(object[path: "spec", "podCIDRs"], "spec.podCIDRs", &errors)
    }

    private func validateTaints(_ taints: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        errors.each(taints, path) { taint, path, errors in
            let key = taint.text("key")
            let value = taint.text("value")
            let effect = taint.text("effect")
            errors.invalid("\(path).key", key, Names.qualified(key))
            let problems = Names.labelValue(value)
            if !problems.isEmpty { errors.invalid("\(path).value", .string(value), problems.joined(separator: ";")) }
            errors.oneOf(.string(effect), SchedulingValidation.taintEffects, "\(path).effect", isRequired: true)
            if !seen.insert("\(key):\(effect)").inserted {
                let shown: JSON = [
                    "Key": .string(key), "Value": .string(value), "Effect": .string(effect),
                    "TimeAdded": taint["timeAdded"] ?? .null,
                ]
                errors.add(FieldError(.duplicate, path, shown, "taints must be unique by key and effect pair"))
            }
        }
    }

    private func validateAmounts(_ object: JSON, _ errors: inout FieldErrors) {
        for list in ["capacity", "allocatable"] {
            for (name, value) in object[path: "status", list]?.object ?? [:] {
                ResourceQuantities.validate(name, value, "status.\(list).\(name)", &errors)
            }
        }
    }

    private func validateRanges(_ list: JSON?, _ path: String, _ errors: inout FieldErrors) {
        let ranges = list?.strings ?? []
        for (index, range) in ranges.enumerated() { errors.invalid("\(path)[\(index)]", range, Addresses.cidr(range)) }
        guard ranges.count > 1 else { return }
        if Addresses.isDualStackNetworks(ranges) != true || ranges.count > 2 {
            errors.invalid(path, list, "may specify no more than one CIDR for each IP family")
        }
        var seen: Set<String> = []
        for (index, range) in ranges.enumerated() where !seen.insert(range).inserted {
            errors.duplicate("\(path)[\(index)]", .string(range))
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validateAmounts(object, &errors)
        var addresses: Set<JSON> = []
        errors.each(object[path: "status", "addresses"], "status.addresses") { address, path, errors in
            if !addresses.insert(address).inserted {
                errors.duplicate(path, ["Type": address["type"] ?? "", "Address": address["address"] ?? ""])
            }
        }
        let new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        if before.has("podCIDRs"), before["podCIDRs"] != new["podCIDRs"] {
            errors.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid")
        }
        if before.has("providerID"), before["providerID"] != new["providerID"] {
            errors.forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid")
        }
        validateTaints(new["taints"], "metadata.taints", &errors)
        if new.text("externalID") != before.text("externalID") { errors.forbidden("spec.externalID", "may not be updated") }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validateUpdate(object, old: old, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        var warnings: [String] = []
        if object["spec"]?.present("configSource") != nil {
            warnings.append("spec.configSource: the feature is no longer supported")
        }
        if object["spec"]?.has("externalID") ?? false {
            warnings.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        }
        return warnings
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "spec.unschedulable" ? (object.tree[path: "spec", "unschedulable"]?.bool == true ? "true" : "false") : nil
    }
}
