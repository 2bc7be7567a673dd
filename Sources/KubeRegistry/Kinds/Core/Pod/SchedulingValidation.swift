import KubeObject

/// What is checked of how pods are placed: affinity, node selectors, tolerations and spreading.
enum SchedulingValidation {
    static func validateAffinity(_ affinity: JSON?, _ path: String, _ errors: inout FieldErrors) {
        guard let affinity else { return }
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        if let node = affinity.present("nodeAffinity") {
            if let selector = node.present(required) {
                validateNodeSelector(selector, "\(path).nodeAffinity.\(required)", &errors)
            }
            errors.each(node[preferred], "\(path).nodeAffinity.\(preferred)") { term, path, errors in
                validateWeight(term, path, &errors)
                validateNodeSelectorTerm(term["preference"] ?? [:], "\(path).preference", checksValues: false, &errors)
            }
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            guard let pods = affinity.present(kind) else { continue }
            errors.each(pods[required], "\(path).\(kind).\(required)", validatePodTerm)
            errors.each(pods[preferred], "\(path).\(kind).\(preferred)") { term, path, errors in
                validateWeight(term, path, &errors)
                validatePodTerm(term["podAffinityTerm"] ?? [:], "\(path).podAffinityTerm", &errors)
            }
        }
    }

    private static func validateWeight(_ term: JSON, _ path: String, _ errors: inout FieldErrors) {
        let weight = term["weight"]?.int ?? 0
        if !(1...100).contains(weight) { errors.invalid("\(path).weight", .int(weight), "must be in the range 1-100") }
    }

    /// A `NodeSelector`, of pods, volumes and devices.
    static func validateNodeSelector(_ selector: JSON, _ path: String, _ errors: inout FieldErrors) {
        let terms = "\(path).nodeSelectorTerms"
        if !selector.has("nodeSelectorTerms") {
            return errors.required(terms, "must have at least one node selector term")
        }
        errors.each(selector["nodeSelectorTerms"], terms) { term, path, errors in
            validateNodeSelectorTerm(term, path, checksValues: true, &errors)
        }
    }

    private static func validateNodeSelectorTerm(
        _ term: JSON, _ path: String, checksValues: Bool, _ errors: inout FieldErrors
    ) {
        errors.each(term["matchExpressions"], "\(path).matchExpressions") { requirement, path, errors in
            let values = requirement["values"]?.strings ?? []
            let op = requirement.text("operator")
            switch op {
            case "In", "NotIn":
                if values.isEmpty { errors.required("\(path).values", "must be specified when `operator` is 'In' or 'NotIn'") }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.forbidden("\(path).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            case "Gt", "Lt":
                if values.count != 1 {
                    errors.required("\(path).values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
                }
            default: errors.invalid("\(path).operator", .string(op), "not a valid selector operator")
            }
            errors.invalid("\(path).key", requirement.text("key"), Names.qualified(requirement.text("key")))
            if checksValues {
                for (index, value) in values.enumerated() {
                    errors.invalid("\(path).values[\(index)]", value, Names.labelValue(value))
                }
            }
        }
        errors.each(term["matchFields"], "\(path).matchFields") { requirement, path, errors in
            let values = requirement["values"]?.strings ?? []
            switch requirement.text("operator") {
            case "In", "NotIn":
                if values.count != 1 {
                    errors.required(
                        "\(path).values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
                }
            case let op: errors.invalid("\(path).operator", .string(op), "not a valid selector operator")
            }
            let key = requirement.text("key")
            if key == "metadata.name" {
                for (index, value) in values.enumerated() {
                    errors.invalid("\(path).values[\(index)]", value, Names.subdomain(value))
                }
            } else {
                errors.invalid("\(path).key", .string(key), "not a valid field selector key")
            }
        }
    }

    private static func validatePodTerm(_ term: JSON, _ path: String, _ errors: inout FieldErrors) {
        SelectorValidation.validate(term.present("labelSelector"), "\(path).labelSelector", &errors)
        SelectorValidation.validate(term.present("namespaceSelector"), "\(path).namespaceSelector", &errors)
        for namespace in term["namespaces"]?.strings ?? [] {
            errors.invalid("\(path).namespace", namespace, Names.label(namespace))
        }
        validateLabelKeys(term, path, &errors)
        let key = term.text("topologyKey")
        if key.isEmpty { errors.required("\(path).topologyKey", "can not be empty") }
        errors.invalid("\(path).topologyKey", key, Names.qualified(key))
    }

    private static func validateLabelKeys(_ term: JSON, _ path: String, _ errors: inout FieldErrors) {
        let selector = term.present("labelSelector")
        for name in ["matchLabelKeys", "mismatchLabelKeys"] where term.has(name) {
            if selector == nil {
                errors.forbidden("\(path).\(name)", "must not be specified when labelSelector is not set")
                continue
            }
            for (index, key) in (term[name]?.strings ?? []).enumerated() {
                errors.invalid("\(path).\(name)[\(index)]", key, Names.qualified(key))
            }
        }
        let matched = term["matchLabelKeys"]?.strings ?? []
        if let selector {
            // The server adds an expression for each of the keys; a second one is the user's.
            var known = Set((selector["matchLabels"]?.object ?? [:]).map(\.key))
            for expression in selector["matchExpressions"]?.elements ?? [] {
                let key = expression.text("key")
                if let index = matched.lastIndex(of: key), known.contains(key) {
                    errors.invalid("\(path)[\(index)]", .string(key), "exists in both matchLabelKeys and labelSelector")
                }
                known.insert(key)
            }
        }
        let mismatched = Set(term["mismatchLabelKeys"]?.strings ?? [])
        for (index, key) in matched.enumerated() where mismatched.contains(key) {
            errors.invalid(
                "\(path).matchLabelKeys[\(index)]", .string(key), "exists in both matchLabelKeys and mismatchLabelKeys")
        }
    }

    static func validateTolerations(_ tolerations: JSON?, _ path: String, _ errors: inout FieldErrors) {
        errors.each(tolerations, path) { toleration, path, errors in
            errors.optionalText(toleration, "key", path, Names.qualified)
            let op = toleration.text("operator")
            if !toleration.has("key"), op != "Exists" {
                errors.invalid(
                    "\(path).operator", .string(op),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
            let effect = toleration.text("effect")
            if toleration["tolerationSeconds"]?.int != nil, effect != "NoExecute" {
                errors.invalid("\(path).effect", .string(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
            let value = toleration.text("value")
            switch op {
            case "", "Equal":
                let problems = Names.labelValue(value)
                if !problems.isEmpty { errors.invalid("\(path).operator", .string(value), problems.joined(separator: ";")) }
            case "Exists":
                if !value.isEmpty {
                    errors.invalid("\(path).operator", .string(value), "value must be empty when `operator` is 'Exists'")
                }
            default: errors.notSupported("\(path).operator", .string(op), ["Equal", "Exists"])
            }
            errors.oneOf(.string(effect), taintEffects, "\(path).effect")
        }
    }

    static let taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    static func validateSpread(_ constraints: JSON?, _ path: String, _ errors: inout FieldErrors) {
        let all = constraints?.elements ?? []
        for (index, constraint) in all.enumerated() {
            let path = "\(path)[\(index)]"
            let skew = constraint["maxSkew"]?.int ?? 0
            if skew <= 0 { errors.invalid("\(path).maxSkew", .int(skew), "must be greater than zero") }
            let key = constraint.text("topologyKey")
            if key.isEmpty { errors.required("\(path).topologyKey", "can not be empty") }
            let action = constraint.text("whenUnsatisfiable")
            let actions = ["DoNotSchedule", "ScheduleAnyway"]
            if !actions.contains(action) { errors.notSupported("\(path).whenUnsatisfiable", .string(action), actions) }
            let isRepeated = all[(index + 1)...].contains { other in
                other.text("topologyKey") == key && other.text("whenUnsatisfiable") == action
            }
            if isRepeated {
                errors.duplicate("\(path).{topologyKey, whenUnsatisfiable}", .string("{\(key), \(action)}"))
            }
            if let domains = constraint["minDomains"]?.int {
                if domains <= 0 { errors.invalid("\(path).minDomains", .int(domains), "must be greater than zero") }
                if action != "DoNotSchedule" {
                    errors.invalid(
                        "\(path).minDomains", .int(domains),
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(action)")
                }
            }
            for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
                errors.oneOf(constraint[policy], ["Honor", "Ignore"], "\(path).\(policy)")
            }
            validateMatchLabelKeys(constraint, "\(path).matchLabelKeys", &errors)
            SelectorValidation.validate(constraint.present("labelSelector"), "\(path).labelSelector", &errors)
        }
    }

    private static func validateMatchLabelKeys(_ constraint: JSON, _ path: String, _ errors: inout FieldErrors) {
        let keys = constraint["matchLabelKeys"]?.strings ?? []
        if keys.isEmpty { return }
        let selector = constraint.present("labelSelector")
        if selector == nil { errors.forbidden(path, "must not be specified when labelSelector is not set") }
        let known = Set((selector?["matchLabels"]?.object ?? [:]).map(\.key))
            .union((selector?["matchExpressions"]?.elements ?? []).map { $0.text("key") })
        for (index, key) in keys.enumerated() {
            errors.invalid("\(path)[\(index)]", key, Names.qualified(key))
            if known.contains(key) {
                errors.invalid("\(path)[\(index)]", .string(key), "exists in both matchLabelKeys and labelSelector")
            }
        }
    }
}
