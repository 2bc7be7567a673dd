import KubeObject

/// What is checked of an autoscaler, in the form of autoscaling/v2.
enum HorizontalPodAutoscalerValidation {
    static func validate(_ spec: JSON, _ errors: inout FieldErrors) {
        let minimum = spec["minReplicas"]?.int
        let maximum = spec["maxReplicas"]?.int ?? 0
        if let minimum, minimum < 1 {
            errors.invalid("spec.minReplicas", .int(minimum), "must be greater than or equal to 1")
        }
        if maximum < 1 { errors.invalid("spec.maxReplicas", .int(maximum), "must be greater than 0") }
        if let minimum, maximum < minimum {
            errors.invalid("spec.maxReplicas", .int(maximum), "must be greater than or equal to `minReplicas`")
        }
        validateReference(spec["scaleTargetRef"] ?? [:], "spec.scaleTargetRef", &errors)
        errors.each(spec["metrics"], "spec.metrics", validateMetric)
        guard let behavior = spec.present("behavior") else { return }
        for key in ["scaleUp", "scaleDown"] {
            if let rules = behavior.present(key) { validateRules(rules, "spec.behavior.\(key)", &errors) }
        }
    }

    private static func validateReference(_ reference: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.text(reference, "kind", path, Names.pathSegment)
        errors.text(reference, "name", path, Names.pathSegment)
    }

    private static let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"]

    private static func field(_ type: String) -> String { type.prefix(1).lowercased() + type.dropFirst() }

    private static func validateMetric(_ metric: JSON, _ path: String, _ errors: inout FieldErrors) {
        let type = metric.text("type")
        if type.isEmpty { errors.required("\(path).type", "must specify a metric source type") }
        if !kinds.contains(type) { errors.notSupported("\(path).type", .string(type), kinds) }
        let present = ["object", "external", "pods", "resource", "containerResource"].filter { metric.present($0) != nil }
        if let first = present.first, let source = metric[first] { validateSource(source, first, "\(path).\(first)", &errors) }
        if kinds.contains(type) {
            if metric.present(field(type)) == nil {
                errors.required("\(path).\(field(type))", "must populate information for the given metric source")
            }
        } else {
            errors.notSupported("\(path).type", .string(type), kinds)
        }
        if present.count != 1 {
            for extra in present.sorted() where extra != field(type) {
                errors.forbidden("\(path).\(extra)", "must populate the given metric source only")
            }
        }
    }

    private static func validateSource(_ source: JSON, _ kind: String, _ path: String, _ errors: inout FieldErrors) {
        let target = source["target"] ?? [:]
        let value = target.present("value") != nil
        let average = target.present("averageValue") != nil
        let utilization = target["averageUtilization"]?.int != nil
        switch kind {
        case "object", "external":
            if kind == "object" { validateReference(source["describedObject"] ?? [:], "\(path).describedObject", &errors) }
            validateIdentifier(source["metric"] ?? [:], "\(path).metric", &errors)
            validateTarget(target, "\(path).target", &errors)
            if !value, !average {
                let detail =
                    kind == "object"
                    ? "must set either a target value or averageValue"
                    : "must set either a target value for metric or a per-pod target"
                errors.required("\(path).target.averageValue", detail)
            }
            if kind == "external", value, average {
                errors.forbidden("\(path).target.value", "may not set both a target value for metric and a per-pod target")
            }
        case "pods":
            validateIdentifier(source["metric"] ?? [:], "\(path).metric", &errors)
            validateTarget(target, "\(path).target", &errors)
            if quantity(target["averageValue"]).map({ $0 <= Quantity(0) }) ?? true {
                errors.required("\(path).target.averageValue", "must specify a positive target averageValue")
            }
        default:
            if kind == "containerResource", !source.has("container") {
                errors.required("\(path).container", "must specify a container")
            }
            if !source.has("name") { errors.required("\(path).name", "must specify a resource name") }
            validateTarget(target, "\(path).target", &errors)
            if !utilization, !average {
                errors.required(
                    "\(path).target.averageUtilization", "must set either a target raw value or a target utilization")
            }
            if utilization, average {
                errors.forbidden(
                    "\(path).target.averageValue", "may not set both a target raw value and a target utilization")
            }
        }
    }

    private static func validateIdentifier(_ metric: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.text(metric, "name", path, Names.pathSegment)
    }

    private static func validateTarget(_ target: JSON, _ path: String, _ errors: inout FieldErrors) {
        let type = target.text("type")
        if type.isEmpty { errors.required("\(path).type", "must specify a metric target type") }
        if !["Utilization", "Value", "AverageValue"].contains(type) {
            errors.invalid("\(path).type", .string(type), "must be either Utilization, Value, or AverageValue")
        }
        for key in ["value", "averageValue"] {
            if let amount = quantity(target[key]), amount <= Quantity(0) {
                errors.invalid("\(path).\(key)", .string(amount.description), "must be positive")
            }
        }
        if let percent = target["averageUtilization"]?.int, percent < 1 {
            errors.invalid("\(path).averageUtilization", .int(percent), "must be greater than 0")
        }
    }

    private static func validateRules(_ rules: JSON, _ path: String, _ errors: inout FieldErrors) {
        if let seconds = rules["stabilizationWindowSeconds"]?.int {
            let path = "\(path).stabilizationWindowSeconds"
            if seconds < 0 { errors.invalid(path, .int(seconds), "must be greater than or equal to zero") }
            if seconds > 3600 { errors.invalid(path, .int(seconds), "must be less than or equal to 3600") }
        }
        errors.oneOf(rules["selectPolicy"], ["Disabled", "Max", "Min"], "\(path).selectPolicy")
        if !rules.has("policies") { errors.required("\(path).policies", "must specify at least one Policy") }
        errors.each(rules["policies"], "\(path).policies") { policy, path, errors in
            let type = policy.text("type")
            if type != "Pods", type != "Percent" { errors.notSupported("\(path).type", .string(type), ["Percent", "Pods"]) }
            for key in ["value", "periodSeconds"] {
                let number = policy[key]?.int ?? 0
                if number <= 0 { errors.invalid("\(path).\(key)", .int(number), "must be greater than zero") }
            }
            if let seconds = policy["periodSeconds"]?.int, seconds > 1800 {
                errors.invalid("\(path).periodSeconds", .int(seconds), "must be less than or equal to 1800")
            }
        }
        if let tolerance = quantity(rules["tolerance"]), tolerance < Quantity(0) {
            errors.invalid("\(path).tolerance", .string(tolerance.description), "must be greater or equal to zero")
        }
    }
}
