import KubeObject

/// ResourceQuota.
struct ResourceQuotaRules: KindRules {
    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        Self.validateAmounts(spec["hard"], "spec.hard", &errors)
        validateScopes(spec, &errors)
        if let selector = spec.present("scopeSelector") { validateSelector(selector, spec, &errors) }
    }

    static func validateAmounts(_ list: JSON?, _ path: String, _ errors: inout FieldErrors) {
        for (name, value) in list?.object ?? [:] {
            errors.invalid("\(path)[\(name)]", name, ResourceNames.ofQuota(name))
            ResourceQuantities.validate(name, value, "\(path)[\(name)]", &errors)
        }
    }

    private static let scopes: Set<String> = [
        "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
    ]
    private static let compute: Set<String> = [
        "pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
    ]

    /// Whether what a scope chooses can have the resource.
    private static func applies(_ scope: String, to resource: String) -> Bool {
        switch scope {
        case "BestEffort": resource == "pods"
        case "VolumeAttributesClass": resource == "persistentvolumeclaims" || resource == "requests.storage"
        default: scopes.contains(scope) && compute.contains(resource)
        }
    }

    private static let pairs = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]

    private func refuses(_ spec: JSON, _ scope: String) -> Int {
        (spec["hard"]?.object ?? [:]).map(\.key)
            .filter { ResourceNames.isStandardQuota($0) && !Self.applies(scope, to: $0) }.count
    }

    private func validateScopes(_ spec: JSON, _ errors: inout FieldErrors) {
        let scopes = spec["scopes"]?.strings ?? []
        for scope in scopes {
            if !Self.scopes.contains(scope) { errors.invalid("spec.scopes", spec["scopes"], "unsupported scope") }
            for _ in 0..<refuses(spec, scope) {
                errors.invalid("spec.scopes", spec["scopes"], "unsupported scope applied to resource")
            }
        }
        for pair in Self.pairs where Set(pair).isSubset(of: scopes) {
            errors.invalid("spec.scopes", spec["scopes"], "conflicting scopes")
        }
    }

    private func validateSelector(_ selector: JSON, _ spec: JSON, _ errors: inout FieldErrors) {
        let path = "spec.scopeSelector.matchExpressions"
        var scopes: Set<String> = []
        for requirement in selector["matchExpressions"]?.elements ?? [] {
            let scope = requirement.text("scopeName")
            let op = requirement.text("operator")
            let values = requirement["values"]?.elements ?? []
            if !Self.scopes.contains(scope) { errors.invalid("\(path).scopeName", .string(scope), "unsupported scope") }
            for _ in 0..<refuses(spec, scope) {
                errors.invalid(path, selector, "unsupported scope applied to resource")
            }
            if Self.scopes.contains(scope), scope != "PriorityClass", scope != "VolumeAttributesClass", op != "Exists" {
                errors.invalid(
                    "\(path).operator", .string(op),
                    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                        + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                        + "ResourceQuotaScopeCrossNamespacePodAffinity")
            }
            switch op {
            case "In", "NotIn":
                if values.isEmpty {
                    errors.required(
                        "\(path).values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.invalid(
                        "\(path).values", .array(values),
                        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
                }
            default: errors.invalid("\(path).operator", .string(op), "not a valid selector operator")
            }
            scopes.insert(scope)
        }
        for pair in Self.pairs where scopes.isSuperset(of: pair) {
            errors.invalid(path, spec["scopes"] ?? .null, "conflicting scopes")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let new = object[path: "spec", "scopes"]
        if Set(new?.strings ?? []) != Set(old[path: "spec", "scopes"]?.strings ?? []) {
            errors.invalid("spec.scopes", new ?? .null, "field is immutable")
        }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        for key in ["hard", "used"] { Self.validateAmounts(object[path: "status", key], "status.\(key)", &errors) }
    }

}
