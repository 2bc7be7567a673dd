import KubeObject

/// Checks `LabelSelector` values in objects.
enum SelectorValidation {
    static func validate(_ selector: JSON?, _ path: String, _ errors: inout FieldErrors) {
        guard let selector else { return }
        ObjectMetaValidation.validateLabels(selector["matchLabels"], "\(path).matchLabels", &errors)
        for (index, expression) in (selector["matchExpressions"]?.elements ?? []).enumerated() {
            let path = "\(path).matchExpressions[\(index)]"
            let values = expression["values"]?.elements ?? []
            switch expression.text("operator") {
            case "In", "NotIn":
                if values.isEmpty { errors.required("\(path).values", "must be specified when `operator` is 'In' or 'NotIn'") }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.forbidden("\(path).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            case let other: errors.invalid("\(path).operator", .string(other), "not a valid selector operator")
            }
            let key = expression.text("key")
            errors.invalid("\(path).key", key, Names.qualified(key))
            for (position, value) in values.enumerated() {
                if let text = value.string { errors.invalid("\(path).values[\(position)]", text, Names.labelValue(text)) }
            }
        }
    }

    static func isEmpty(_ selector: JSON?) -> Bool {
        guard let selector else { return true }
        return !selector.has("matchLabels") && !selector.has("matchExpressions")
    }
}
