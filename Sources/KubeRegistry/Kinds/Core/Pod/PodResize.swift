import KubeObject

/// What an update through `/resize` may change: cpu and memory of containers that may be resized in place (KEP-1287), and of the pod as a whole
/// (KEP-5419).
enum PodResize {
    static func validate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        if let reason = refusal(old) {
            errors = FieldErrors()
            return errors.forbidden("[]", reason)
        }
        let spec = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        let areSame = ["containers", "initContainers"].map { validateOrder(spec, before, $0, &errors) }
        guard areSame == [true, true] else { return }
        let quality = QualityOfService.class(of: spec)
        if quality != QualityOfService.class(of: before) {
            errors.invalid(
                "spec", object[path: "status", "qosClass"] ?? .string(quality),
                "Pod QOS Class may not change as a result of resizing")
        }
        if !isSupported(old) { errors.forbidden("spec", "Pod running on node without support for resize") }
        validatePodLevel(spec.present("resources"), before.present("resources"), &errors)
        validate(spec, before, "initContainers", &errors)
        validate(spec, before, "containers", &errors)
    }

    /// Whether they are the containers that there were, in their order.
    private static func validateOrder(_ spec: JSON, _ old: JSON, _ key: String, _ errors: inout FieldErrors) -> Bool {
        let names = [spec, old].map { ($0[key]?.elements ?? []).map { $0.text("name") } }
        if names[0].count != names[1].count {
            errors.forbidden("spec.\(key)", "\(key) may not be added or removed on resize")
        } else {
            for (index, (now, before)) in zip(names[0], names[1]).enumerated() where now != before {
                errors.forbidden("spec.\(key)[\(index)].name", "\(key) may not be renamed or reordered on resize")
            }
        }
        return names[0] == names[1]
    }

    private static func refusal(_ old: JSON) -> String? {
        if old[path: "metadata", "annotations", "kubernetes.io/config.mirror"] != nil { return "static pods cannot be resized" }
        return old[path: "spec", "os", "name"]?.string == "windows" ? "windows pods cannot be resized" : nil
    }

    /// A node that can resize says what its running containers have.
    private static func isSupported(_ old: JSON) -> Bool {
        let running = old[path: "status", "containerStatuses"]?.elements.first { $0["state"]?.present("running") != nil }
        return running.map { $0.present("resources") != nil } ?? true
    }

    private static func validatePodLevel(_ now: JSON?, _ before: JSON?, _ errors: inout FieldErrors) {
        func has(_ resources: JSON?) -> Bool {
            ["requests", "limits"].contains { resources?[$0]?.object?.isEmpty == false }
        }
        guard has(now) || has(before) else { return }
        if before != nil, now == nil { return errors.forbidden("spec.resources", "pod-level resources cannot be removed") }
        for list in ["requests", "limits"] {
            let had = Set((before?[list]?.object ?? [:]).map(\.key))
            if !had.isSubset(of: (now?[list]?.object ?? [:]).map(\.key)) {
                errors.forbidden("spec.resources.\(list)", "pod-level resource \(list) cannot be removed")
            }
        }
        var rest = now ?? [:]
        for list in ["requests", "limits"] {
            for name in ["cpu", "memory"] { rest[path: list, name] = before?[list]?[name] }
            if rest[list]?.object?.isEmpty == true { rest[list] = nil }
        }
        if !FieldErrors.isSame(rest, before ?? [:]) {
            errors.forbidden("spec", "only cpu and memory resources are mutable at pod-level")
        }
    }

    private static func validate(_ spec: JSON, _ old: JSON, _ key: String, _ errors: inout FieldErrors) {
        let pairs = zip(spec[key]?.elements ?? [], old[key]?.elements ?? [])
        for (index, (now, before)) in pairs.enumerated() {
            let isSidecar = before.text("restartPolicy") == "Always"
            if key == "initContainers", !isSidecar {
                if !FieldErrors.isSame(now, before) {
                    errors.forbidden("spec", "resources for non-sidecar init containers are immutable")
                }
                continue
            }
            let path = "spec.\(key)[\(index)].resources"
            for list in ["requests", "limits"] {
                let had = Set((before["resources"]?[list]?.object ?? [:]).map(\.key))
                if !had.isSubset(of: (now["resources"]?[list]?.object ?? [:]).map(\.key)) {
                    errors.forbidden("\(path).\(list)", "resource \(list) cannot be removed")
                }
            }
            var rest = now
            rest["resizePolicy"] = before["resizePolicy"]
            for list in ["requests", "limits"] {
                for name in ["cpu", "memory"] {
                    rest[path: "resources", list, name] = before[path: "resources", list, name]
                }
            }
            if !FieldErrors.isSame(rest, before) {
                errors.forbidden(
                    "spec",
                    key == "containers"
                        ? "only cpu and memory resources are mutable"
                        : "only cpu and memory resources for sidecar containers are mutable")
            }
        }
    }
}
