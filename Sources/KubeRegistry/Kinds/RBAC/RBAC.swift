import KubeObject

/// Role and ClusterRole.
struct RoleRules: KindRules {
    var isClusterScoped: Bool
    var nameRule: NameRule { .pathSegment }
    var allowsCreateOnUpdate: Bool { true }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        for (index, tree) in (object["rules"]?.elements ?? []).enumerated() {
            let rule = PolicyRule(tree)
            let path = "rules[\(index)]"
            if rule.verbs.isEmpty { errors.required("\(path).verbs", "verbs must contain at least one value") }
            if !rule.nonResourceURLs.isEmpty {
                if !isClusterScoped {
                    errors.invalid(
                        "\(path).nonResourceURLs", JSON(rule.nonResourceURLs),
                        "namespaced rules cannot apply to non-resource URLs")
                }
                if !rule.apiGroups.isEmpty || !rule.resources.isEmpty || !rule.resourceNames.isEmpty {
                    errors.invalid(
                        "\(path).nonResourceURLs", JSON(rule.nonResourceURLs),
                        "rules cannot apply to both regular resources and non-resource URLs")
                }
                continue
            }
            if rule.apiGroups.isEmpty {
                errors.required("\(path).apiGroups", "resource rules must supply at least one api group")
            }
            if rule.resources.isEmpty { errors.required("\(path).resources", "resource rules must supply at least one resource") }
        }
        guard isClusterScoped, let aggregation = object.present("aggregationRule") else { return }
        let path = "aggregationRule.clusterRoleSelectors"
        if !aggregation.has("clusterRoleSelectors") {
            errors.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
        }
        errors.each(aggregation["clusterRoleSelectors"], path) { selector, path, errors in
            SelectorValidation.validate(selector, path, &errors)
        }
    }
}

/// RoleBinding and ClusterRoleBinding: what they bind to never changes.
struct RoleBindingRules: KindRules {
    var isClusterScoped: Bool
    var nameRule: NameRule { .pathSegment }
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("roleRef") { $0.setDefaultText("apiGroup", rbacGroup) }
        object.editEach("subjects") { subject in
            switch subject.text("kind") {
            case "User", "Group": subject.setDefaultText("apiGroup", rbacGroup)
            default: break
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let reference = object["roleRef"] ?? [:]
        if reference.text("apiGroup") != rbacGroup {
            errors.notSupported("roleRef.apiGroup", reference["apiGroup"] ?? "", [rbacGroup])
        }
        let kinds = isClusterScoped ? ["ClusterRole"] : ["Role", "ClusterRole"]
        if !kinds.contains(reference.text("kind")) { errors.notSupported("roleRef.kind", reference["kind"] ?? "", kinds) }
        let name = reference.text("name")
        if name.isEmpty {
            errors.required("roleRef.name")
        } else {
            errors.invalid("roleRef.name", name, Names.pathSegment(name))
        }
        for (index, subject) in (object["subjects"]?.elements ?? []).enumerated() {
            let path = "subjects[\(index)]"
            let name = subject.text("name")
            if name.isEmpty { errors.required("\(path).name") }
            switch subject.text("kind") {
            case "ServiceAccount":
                if !name.isEmpty { errors.invalid("\(path).name", name, Names.subdomain(name)) }
                if subject.has("apiGroup") { errors.notSupported("\(path).apiGroup", subject["apiGroup"] ?? "", [""]) }
                if isClusterScoped, !subject.has("namespace") { errors.required("\(path).namespace") }
            case "User", "Group":
                if subject.text("apiGroup") != rbacGroup {
                    errors.notSupported("\(path).apiGroup", subject["apiGroup"] ?? "", [rbacGroup])
                }
            case let other: errors.notSupported("\(path).kind", .string(other), ["ServiceAccount", "User", "Group"])
            }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        if !FieldErrors.isSame(object["roleRef"], old["roleRef"]) {
            let reference = object["roleRef"] ?? [:]
            let shown: JSON = [
                "APIGroup": .string(reference.text("apiGroup")), "Kind": .string(reference.text("kind")),
                "Name": .string(reference.text("name")),
            ]
            errors.invalid("roleRef", shown, "cannot change roleRef")
        }
    }
}
