import KubeObject

/// What an update may change in a pod: images, the deadline, added tolerations, removed scheduling gates.
enum PodUpdate {
    private static let allowed = [
        "`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ]

    static func validate(_ new: JSON, old: JSON, _ errors: inout FieldErrors) {
        for key in ["containers", "initContainers"] {
            let containers = new[key]?.elements ?? []
            if containers.count != old[key]?.elements.count ?? 0 {
                return errors.forbidden("spec.\(key)", "pod updates may not add or remove containers")
            }
            for (index, container) in containers.enumerated() {
                let path = "spec.\(key)[\(index)]"
                if container.text("image").isEmpty { errors.required("\(path).image") }
                ContainerValidation.validateImageOfPod(container, path, &errors)
            }
        }
        guard validateDeadline(new["activeDeadlineSeconds"], old["activeDeadlineSeconds"], &errors) else { return }
        validateTolerations(new["tolerations"]?.elements ?? [], old: old["tolerations"]?.elements ?? [], &errors)
        validateGates(new, old, &errors)
        if FieldErrors.isSame(new, old) { return }

        var masked = new
        for key in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] { masked[key] = old[key] }
        for key in ["containers", "initContainers"] {
            let before = old[key]?.elements ?? []
            var index = 0
            masked.editEach(key) { container in
                container["image"] = before[index]["image"]
                index += 1
            }
        }
        if let seconds = old["terminationGracePeriodSeconds"]?.int, seconds < 0,
            new["terminationGracePeriodSeconds"]?.int == 1
        {
            masked["terminationGracePeriodSeconds"] = .int(seconds)
        }
        if old.has("schedulingGates") { maskGated(&masked, old, &errors) }
        let changed = Set((masked.object ?? [:]).map(\.key) + (old.object ?? [:]).map(\.key))
            .filter { !FieldErrors.isSame(masked[$0], old[$0]) }.sorted()
        guard !changed.isEmpty else { return }
        errors.forbidden(
            "spec",
            "pod updates may not change fields other than \(allowed.joined(separator: ","))\n"
                + Difference.text(changed.map { ($0, old[$0], masked[$0]) }))
    }

    /// Returns whether it is worth looking further.
    private static func validateDeadline(_ new: JSON?, _ old: JSON?, _ errors: inout FieldErrors) -> Bool {
        let path = "spec.activeDeadlineSeconds"
        guard let now = new?.int else {
            if old?.int != nil { errors.invalid(path, .null, "must not update from a positive integer to nil value") }
            return true
        }
        if !(0...Int64(Int32.max)).contains(now) {
            errors.invalid(path, .int(now), Names.outside(0...Int64(Int32.max)))
            return false
        }
        if let before = old?.int, before < now {
            errors.invalid(path, .int(now), "must be less than or equal to previous value")
            return false
        }
        return true
    }

    private static func validateTolerations(_ new: [JSON], old: [JSON], _ errors: inout FieldErrors) {
        // tolerationSeconds of a known toleration may change.
        func key(_ toleration: JSON) -> JSON {
            var copy = toleration
            copy["tolerationSeconds"] = nil
            return copy
        }
        let present = new.map(key)
        if !old.map(key).allSatisfy(present.contains) {
            return errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        }
        SchedulingValidation.validateTolerations(.array(new), "spec.tolerations", &errors)
    }

    private static func validateGates(_ new: JSON, _ old: JSON, _ errors: inout FieldErrors) {
        let known = Set((old["schedulingGates"]?.elements ?? []).map { $0.text("name") })
        errors.each(new["schedulingGates"], "spec.schedulingGates") { gate, path, errors in
            let name = gate.text("name")
            if !known.contains(name) {
                errors.forbidden("\(path).name", "only deletion is allowed, but found new scheduling gate '\(name)'")
            }
        }
    }

    /// While a pod is held back, where it may go can be narrowed.
    private static func maskGated(_ masked: inout JSON, _ old: JSON, _ errors: inout FieldErrors) {
        if !FieldErrors.isSame(masked["nodeSelector"], old["nodeSelector"]) {
            let isNarrower = (old["nodeSelector"]?.object ?? [:]).allSatisfy { masked["nodeSelector"]?[$0.key] == $0.value }
            if !isNarrower {
                errors.invalid(
                    "spec.nodeSelector", masked["nodeSelector"],
                    "only additions are allowed (no mutations or deletions)")
            }
            masked["nodeSelector"] = old["nodeSelector"]
        }
        let before = old["affinity"]?.present("nodeAffinity")
        let now = masked["affinity"]?.present("nodeAffinity")
        guard !FieldErrors.isSame(before, now) else { return }
        validateNodeAffinity(now, before, "spec.affinity.nodeAffinity", &errors)
        masked[path: "affinity", "nodeAffinity"] = before
        if masked["affinity"]?.object?.allSatisfy({ $1.isNull }) ?? true { masked["affinity"] = old["affinity"] }
    }

    private static func validateNodeAffinity(_ new: JSON?, _ old: JSON?, _ path: String, _ errors: inout FieldErrors) {
        let key = "requiredDuringSchedulingIgnoredDuringExecution"
        guard let before = old?.present(key)?["nodeSelectorTerms"]?.elements else { return }
        let path = "\(path).\(key).nodeSelectorTerms"
        let now = new?.present(key)?["nodeSelectorTerms"]?.elements ?? []
        if before.count != now.count {
            return errors.invalid(path, .array(now), "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        }
        for (index, (was, isOne)) in zip(before, now).enumerated() {
            for list in ["matchExpressions", "matchFields"] {
                let old = was[list]?.elements ?? []
                let new = isOne[list]?.elements ?? []
                if old.count > new.count || !zip(old, new).allSatisfy({ FieldErrors.isSame($0, $1) }) {
                    errors.invalid(
                        "\(path)[\(index)]", isOne, "only additions are allowed (no mutations or deletions)")
                    break
                }
            }
        }
    }

    /// What an update through `/ephemeralcontainers` may do: add some.
    static func validateEphemeralContainers(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        if old[path: "metadata", "annotations", "kubernetes.io/config.mirror"] != nil {
            errors = FieldErrors()
            return errors.forbidden("[]", "static pods do not support ephemeral containers")
        }
        let path = "spec.ephemeralContainers"
        let new = object[path: "spec", "ephemeralContainers"]?.elements ?? []
        for before in old[path: "spec", "ephemeralContainers"]?.elements ?? [] {
            let name = before.text("name")
            guard let now = new.first(where: { $0.text("name") == name }) else {
                errors.forbidden(path, "existing ephemeral containers \(quoted(name)) may not be removed\n")
                continue
            }
            if !FieldErrors.isSame(now, before) {
                let keys = Set((now.object ?? [:]).map(\.key) + (before.object ?? [:]).map(\.key))
                let changes = keys.sorted().filter { !FieldErrors.isSame(now[$0], before[$0]) }
                errors.forbidden(
                    path,
                    "existing ephemeral containers \(quoted(name)) may not be changed\n"
                        + Difference.text(changes.map { ($0, before[$0], now[$0]) }))
            }
        }
    }
}

/// What differs between two objects, a line for each value.
enum Difference {
    static func text(_ fields: [(String, JSON?, JSON?)]) -> String {
        func shown(_ value: JSON?) -> String { value.map { String(decoding: $0.encoded(), as: UTF8.self) } ?? "nil" }
        return fields.map { key, old, new in "- \(key): \(shown(old))\n+ \(key): \(shown(new))\n" }.joined()
    }

    /// What differs between the members of two objects.
    static func text(_ old: JSON?, _ new: JSON?) -> String {
        let keys = Set((old?.object ?? [:]).map(\.key) + (new?.object ?? [:]).map(\.key)).sorted()
        return text(keys.filter { !FieldErrors.isSame(old?[$0], new?[$0]) }.map { ($0, old?[$0], new?[$0]) })
    }
}
