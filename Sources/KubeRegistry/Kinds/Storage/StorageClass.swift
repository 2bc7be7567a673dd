import KubeObject

/// StorageClass: what it makes volumes of never changes.
struct StorageClassRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefaultText("reclaimPolicy", "Delete")
        object.setDefaultText("volumeBindingMode", "Immediate")
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        StorageParameters.validateDriver(object, "provisioner", &errors)
        StorageParameters.validate(object["parameters"], "parameters", &errors)
        errors.oneOf(object["reclaimPolicy"], ["Delete", "Retain"], "reclaimPolicy")
        errors.oneOf(object["volumeBindingMode"], ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode", isRequired: true)
        var terms: [JSON] = []
        errors.each(object["allowedTopologies"], "allowedTopologies") { term, path, errors in
            validateTerm(term, "\(path).matchLabelExpressions", &errors)
            let key = term["matchLabelExpressions"] ?? []
            if terms.contains(key) { errors.duplicate("\(path).matchLabelExpressions", "") }
            terms.append(key)
        }
    }

    private func validateTerm(_ term: JSON, _ path: String, _ errors: inout FieldErrors) {
        var keys: Set<String> = []
        errors.each(term["matchLabelExpressions"], path) { expression, path, errors in
            if !expression.has("values") { errors.required("\(path).values") }
            var values: Set<String> = []
            for (index, value) in (expression["values"]?.strings ?? []).enumerated() where !values.insert(value).inserted {
                errors.duplicate("\(path).values[\(index)]", .string(value))
            }
            let key = expression.text("key")
            errors.invalid("\(path).key", key, Names.qualified(key))
            if !keys.insert(key).inserted { errors.duplicate("\(path).key", .string(key)) }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        for key in ["parameters", "provisioner", "reclaimPolicy"] where !FieldErrors.isSame(object[key], old[key]) {
            errors.forbidden(key, "updates to \(key) are forbidden.")
        }
        errors.immutable(object["volumeBindingMode"], old["volumeBindingMode"], "volumeBindingMode")
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        var warnings: [String] = []
        for (index, term) in (object["allowedTopologies"]?.elements ?? []).enumerated() {
            for (position, expression) in (term["matchLabelExpressions"]?.elements ?? []).enumerated() {
                let key = expression.text("key")
                guard let message = NodeLabels.deprecation(key) else { continue }
                warnings.append(
                    "allowedTopologies[\(index)].matchLabelExpressions[\(position)].key: \(key) is \(message)")
            }
        }
        return warnings
    }
}

/// What classes of storage say to their drivers.
enum StorageParameters {
    static func validateDriver(_ object: JSON, _ key: String, _ errors: inout FieldErrors) {
        let name = object.text(key)
        if name.isEmpty { return errors.required(key) }
        errors.invalid(key, name.lowercased(), Names.qualified(name.lowercased()))
    }

    static func validate(_ parameters: JSON?, _ path: String, mayBeEmpty: Bool = true, _ errors: inout FieldErrors) {
        let all = parameters?.object ?? [:]
        if all.count > 512 { return errors.tooLong(path, 512) }
        var size = 0
        for (key, value) in all {
            if key.isEmpty { errors.invalid(path, "", "field can not be empty.") }
            size += key.utf8.count + (value.string?.utf8.count ?? 0)
        }
        if size > 256 * 1024 { errors.tooLong(path, 256 * 1024) }
        if !mayBeEmpty, all.isEmpty { errors.required(path, "must contain at least one key/value pair") }
    }
}
