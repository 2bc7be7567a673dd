import KubeObject

/// HorizontalPodAutoscaler, stored as autoscaling/v2.
struct HorizontalPodAutoscalerRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("minReplicas", 1)
            if !spec.has("metrics") {
                spec["metrics"] = [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
                    ]
                ]
            }
            spec.edit("behavior") { behavior in
                behavior.edit("scaleUp") { rules in
                    rules.setDefault("stabilizationWindowSeconds", 0)
                    rules.setDefaultText("selectPolicy", "Max")
                    rules.setDefault(
                        "policies",
                        [
                            ["type": "Pods", "value": 4, "periodSeconds": 15],
                            ["type": "Percent", "value": 100, "periodSeconds": 15],
                        ])
                }
                behavior.edit("scaleDown") { rules in
                    rules.setDefaultText("selectPolicy", "Max")
                    rules.setDefault("policies", [["type": "Percent", "value": 100, "periodSeconds": 15]])
                }
            }
        }
        object.setDefault("status", [:])
        setStatusDefaults(&object)
    }

    private func setStatusDefaults(_ object: inout JSON) {
        object.edit("status") { status in
            status.setDefault("desiredReplicas", 0)
            if !status.has("currentMetrics") { status["currentMetrics"] = .null }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["desiredReplicas": 0, "currentMetrics": .null]
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        HorizontalPodAutoscalerValidation.validate(object["spec"] ?? [:], &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.nonnegative(object["status"] ?? [:], ["currentReplicas", "desiredReplicas"], "status")
    }
}

/// Between autoscaling/v1, which knows one metric, and v2.
enum HorizontalPodAutoscalerConversion {
    static func v2(fromV1 tree: JSON) -> JSON {
        var result = tree
        var metrics: [JSON] = []
        if let percent = tree[path: "spec", "targetCPUUtilizationPercentage"], !percent.isNull {
            metrics.append([
                "type": "Resource",
                "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": percent]],
            ])
        }
        result[path: "spec", "targetCPUUtilizationPercentage"] = nil
        if !metrics.isEmpty { result[path: "spec", "metrics"] = .array(metrics) }
        if let percent = tree[path: "status", "currentCPUUtilizationPercentage"], !percent.isNull {
            result[path: "status", "currentCPUUtilizationPercentage"] = nil
            result[path: "status", "currentMetrics"] = [
                ["type": "Resource", "resource": ["name": "cpu", "current": ["averageUtilization": percent]]]
            ]
        }
        return result
    }

    static func v1(fromV2 tree: JSON) -> JSON {
        var result = tree
        func cpu(_ metrics: JSON?, _ part: String) -> JSON? {
            let metric = metrics?.elements.first { $0.text("type") == "Resource" && $0["resource"]?.text("name") == "cpu" }
            return metric?[path: "resource", part, "averageUtilization"]
        }
        result[path: "spec", "metrics"] = nil
        result[path: "spec", "behavior"] = nil
        result[path: "spec", "targetCPUUtilizationPercentage"] = cpu(tree[path: "spec", "metrics"], "target")
        result[path: "status", "currentMetrics"] = nil
        result[path: "status", "conditions"] = nil
        result[path: "status", "currentCPUUtilizationPercentage"] = cpu(tree[path: "status", "currentMetrics"], "current")
        if tree["status"] != nil { result["status"]?.setDefault("currentReplicas", 0) }
        return result
    }
}
