import KubeObject

/// What a resize may change: amounts of CPU and memory, within the pod's class of service.
/// Source: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
enum PodResize {
    static func validate(_ new: JSON, old: JSON, _ errors: inout FieldErrors) {
        let before = old["spec"] ?? [:]
        let now = new["spec"] ?? [:]
        if QualityOfService.class(of: now) != QualityOfService.class(of: before) {
            errors.invalid(
                "spec", .string(QualityOfService.class(of: now)), "Pod QOS Class may not change as a result of resizing")
        }
        for key in ["containers", "initContainers"] {
            for (index, pair) in zip(now[key]?.elements ?? [], before[key]?.elements ?? []).enumerated() {
                let path = "spec.\(key)[\(index)]"
                if !FieldErrors.isSame(pair.0["resizePolicy"], pair.1["resizePolicy"]) {
                    errors.forbidden("spec", "only cpu and memory resources are mutable")
                }
                for list in ["requests", "limits"] {
                    self.validate(
                        pair.0[path: "resources", list], old: pair.1[path: "resources", list], "\(path).resources.\(list)",
                        &errors)
                }
                if key == "initContainers", pair.0.text("restartPolicy") != "Always",
                    !FieldErrors.isSame(pair.0["resources"], pair.1["resources"])
                {
                    errors.forbidden("\(path).resources", "resources for non-sidecar init containers are immutable")
                }
            }
        }
    }

    private static func validate(_ new: JSON?, old: JSON?, _ path: String, _ errors: inout FieldErrors) {
        let names = Set((new?.object ?? [:]).map(\.key) + (old?.object ?? [:]).map(\.key))
        for name in names.sorted() where !FieldErrors.isSame(new?[name], old?[name]) {
            guard ["cpu", "memory"].contains(name) else {
                errors.forbidden("spec", "only cpu and memory resources are mutable")
                continue
            }
            if old?[name] != nil, new?[name] == nil {
                errors.forbidden(path, "resource \(path.hasSuffix("limits") ? "limits" : "requests") cannot be removed")
            }
        }
    }
}
