import KubeObject

/// FlowSchemas: which requests belong to which priority level.
struct FlowSchemaRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            if spec["matchingPrecedence"]?.int ?? 0 == 0 { spec["matchingPrecedence"] = 1000 }
        }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let precedence = spec["matchingPrecedence"]?.int ?? 0
        let path = "spec.matchingPrecedence"
        if precedence <= 0 { errors.invalid(path, .int(precedence), "must be a positive value") }
        if precedence > 10000 { errors.invalid(path, .int(precedence), "must not be greater than 10000") }
        if precedence == 1, object["metadata"]?.text("name") != "exempt" {
            errors.invalid(path, .int(precedence), "only the schema named 'exempt' may have matchingPrecedence 1")
        }
        if let method = spec.present("distinguisherMethod"), !["ByNamespace", "ByUser"].contains(method.text("type")) {
            errors.notSupported("spec.distinguisherMethod", method, ["ByNamespace", "ByUser"])
        }
        errors.text(
            spec["priorityLevelConfiguration"] ?? [:], "name", "spec.priorityLevelConfiguration", Names.subdomain,
            "must reference a priority level")
        errors.each(spec["rules"], "spec.rules", validateRule)
    }

    private func validateRule(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        if rule["subjects"]?.elements.isEmpty ?? true {
            errors.required("\(path).subjects", "subjects must contain at least one value")
        }
        errors.each(rule["subjects"], "\(path).subjects", validateSubject)
        if rule["resourceRules"]?.elements.isEmpty ?? true, rule["nonResourceRules"]?.elements.isEmpty ?? true {
            errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
        }
        errors.each(rule["resourceRules"], "\(path).resourceRules") { rule, path, errors in
            validateVerbs(rule, path, &errors)
            validateList(
                rule, "apiGroups", "other api groups", "resource rules must supply at least one api group", path, &errors)
            validateList(
                rule, "resources", "other resources", "resource rules must supply at least one resource", path, &errors)
            validateNamespaces(rule, "\(path).namespaces", &errors)
        }
        errors.each(rule["nonResourceRules"], "\(path).nonResourceRules") { rule, path, errors in
            validateVerbs(rule, path, &errors)
            validateList(
                rule, "nonResourceURLs", "other non-resource URLs", "nonResourceURLs must contain at least one value", path,
                &errors)
            let urls = rule["nonResourceURLs"]?.strings ?? []
            if urls.contains("*") { return }
            for (index, url) in urls.enumerated() {
                if let problem = Self.problem(ofPath: url) {
                    errors.invalid("\(path).nonResourceURLs[\(index)]", .string(url), problem)
                }
            }
        }
    }

    private func validateSubject(_ subject: JSON, _ path: String, _ errors: inout FieldErrors) {
        let kinds = [("serviceAccount", "ServiceAccount"), ("user", "User"), ("group", "Group")]
        let kind = subject.text("kind")
        guard let (field, _) = kinds.first(where: { $0.1 == kind }) else {
            return errors.notSupported("\(path).kind", .string(kind), kinds.map(\.1).sorted())
        }
        if let value = subject.present(field) {
            if field == "serviceAccount" {
                if value.text("name") != "*" { errors.text(value, "name", "\(path).\(field)", Names.subdomain) }
                errors.text(
                    value, "namespace", "\(path).\(field)", Names.label, "must specify namespace for service account")
            } else {
                errors.texts(value, ["name"], "\(path).\(field)")
            }
        } else {
            errors.required("\(path).\(field)", "\(field) is required when subject kind is '\(kind)'")
        }
        for (other, otherKind) in kinds where other != field && subject.present(other) != nil {
            errors.forbidden("\(path).\(other)", "\(other) is forbidden when subject kind is not '\(otherKind)'")
        }
    }

    private func validateVerbs(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateList(rule, "verbs", "other verbs", "verbs must contain at least one value", path, &errors)
        let verbs = rule["verbs"]?.strings ?? []
        let known = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"]
        if !verbs.contains("*"), !verbs.allSatisfy(known.contains) {
            errors.notSupported("\(path).verbs", rule["verbs"] ?? [], known)
        }
    }

    /// A list that must have elements, of which `*` must be the only one.
    private func validateList(
        _ rule: JSON, _ key: String, _ others: String, _ missing: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let values = rule[key]?.strings ?? []
        if values.isEmpty { return errors.required("\(path).\(key)", missing) }
        if values.count > 1, values.contains("*") {
            errors.invalid("\(path).\(key)", rule[key], "if '*' is present, must not specify \(others)")
        }
    }

    private func validateNamespaces(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        let namespaces = rule["namespaces"]?.strings ?? []
        if namespaces.isEmpty {
            if rule["clusterScope"] != true {
                errors.required(path, "resource rules that are not cluster scoped must supply at least one namespace")
            }
        } else if namespaces.contains("*") {
            if namespaces.count > 1 {
                errors.invalid(path, rule["namespaces"], "if '*' is present, must not specify other namespaces")
            }
        } else {
            for (index, namespace) in namespaces.enumerated() {
                errors.invalid("\(path)[\(index)]", namespace, Names.label(namespace))
            }
        }
    }

    private static func problem(ofPath url: String) -> String? {
        if url.isEmpty { return "must not be empty" }
        if url == "/" { return nil }
        if !url.hasPrefix("/") { return "must start with slash" }
        if url.contains(" ") { return "must not contain white-space" }
        if url.contains("//") { return "must not contain double slash" }
        let stars = url.utf8.count { $0 == UInt8(ascii: "*") }
        if stars > 1 || (stars == 1 && !url.hasSuffix("/*")) { return "wildcard can only do suffix matching" }
        return nil
    }
}
