import KubeObject

/// ResourceQuota.
struct ResourceQuotaRules: KindRules {
    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        for (name, value) in object[path: "spec", "hard"]?.object ?? [:] {
            errors.invalid("spec.hard[\(name)]", name, Names.qualified(name))
            if let text = quantityText(value), let quantity = Result(catching: { try Quantity(text) }).value,
                quantity < Quantity(0)
            {
                errors.invalid("spec.hard[\(name)]", .string(text), "must be greater than or equal to 0")
            }
        }
    }
}

/// LimitRange: what one says of another follows.
struct LimitRangeRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.editEach("limits") { limit in
                guard limit.text("type") == "Container" else { return }
                for (name, value) in limit["max"]?.object ?? [:] where limit["default"]?[name] == nil {
                    limit[path: "default", name] = value
                }
                for source in ["default", "min"] {
                    for (name, value) in limit[source]?.object ?? [:] where limit["defaultRequest"]?[name] == nil {
                        limit[path: "defaultRequest", name] = value
                    }
                }
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        var types: Set<String> = []
        for (index, limit) in (object[path: "spec", "limits"]?.elements ?? []).enumerated() {
            let type = limit.text("type")
            errors.invalid("spec.limits[\(index)].type", type, Names.qualified(type))
            if !types.insert(type).inserted { errors.duplicate("spec.limits[\(index)].type", .string(type)) }
        }
    }
}

/// PriorityClass.
struct PriorityClassRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) { object.setDefaultText("preemptionPolicy", "PreemptLowerPriority") }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let name = object["metadata"]?.text("name") ?? ""
        if name.hasPrefix("system-"), name != "system-node-critical", name != "system-cluster-critical" {
            errors.forbidden(
                "metadata.name",
                "priority class names with 'system-' prefix are reserved for system use only. error: \(name) is not a known system priority class"
            )
        } else if !name.hasPrefix("system-"), let value = object["value"]?.int, value > 1_000_000_000 {
            errors.forbidden(
                "value", "maximum allowed value of a user defined priority is 1000000000")
        }
        errors.oneOf(object["preemptionPolicy"], ["Never", "PreemptLowerPriority"], "preemptionPolicy", isRequired: true)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        if object["value"] != old["value"] { errors.forbidden("value", "may not be changed in an update.") }
        errors.immutable(object["preemptionPolicy"], old["preemptionPolicy"], "preemptionPolicy")
    }
}
