import KubeObject

/// What an update may change in a pod's spec: images, the deadline, added tolerations, removed scheduling gates.
enum PodUpdate {
    private static let allowed = [
        "`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ]

    static func validate(_ new: JSON, old: JSON, _ errors: inout FieldErrors) {
        for key in ["containers", "initContainers"]
        where new[key]?.elements.count != old[key]?.elements.count
            && !((new[key]?.isEmpty ?? true) && (old[key]?.isEmpty ?? true))
        {
            errors.forbidden("spec.\(key)", "pod updates may not add or remove containers")
            return
        }
        validateDeadline(new["activeDeadlineSeconds"], old["activeDeadlineSeconds"], &errors)
        validateTolerations(new["tolerations"]?.elements ?? [], old: old["tolerations"]?.elements ?? [], &errors)
        let isGated = old.has("schedulingGates")
        let oldGates = Set((old["schedulingGates"]?.elements ?? []).map { $0.text("name") })
        for (index, gate) in (new["schedulingGates"]?.elements ?? []).enumerated() where !oldGates.contains(gate.text("name")) {
            errors.forbidden(
                "spec.schedulingGates[\(index)].name",
                "only deletion is allowed, but found new scheduling gate '\(gate.text("name"))'")
        }

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
        if isGated {
            if isSuperset(new["nodeSelector"], of: old["nodeSelector"]) { masked["nodeSelector"] = old["nodeSelector"] }
            masked["affinity"] = old["affinity"]
        }
        let changed = (masked.object ?? [:]).map(\.key) + (old.object ?? [:]).map(\.key)
        let differing = Set(changed).filter { !FieldErrors.isSame(masked[$0], old[$0]) }.sorted()
        guard !differing.isEmpty else { return }
        let difference = differing.map { key in
            "- \(key): \(old[key].map(text) ?? "nil")\n+ \(key): \(masked[key].map(text) ?? "nil")"
        }
        errors.forbidden(
            "spec",
            "pod updates may not change fields other than \(allowed.joined(separator: ","))\n"
                + difference.joined(separator: "\n") + "\n")
    }

    private static func text(_ value: JSON) -> String { String(decoding: value.encoded(), as: UTF8.self) }

    private static func isSuperset(_ new: JSON?, of old: JSON?) -> Bool {
        (old?.object ?? [:]).allSatisfy { new?[$0.key] == $0.value }
    }

    private static func validateDeadline(_ new: JSON?, _ old: JSON?, _ errors: inout FieldErrors) {
        guard let before = old?.int else { return }
        guard let now = new?.int else {
            return errors.invalid("spec.activeDeadlineSeconds", new, "must not update from a positive integer to nil value")
        }
        if now > before {
            errors.invalid("spec.activeDeadlineSeconds", .int(now), "must be less than or equal to previous value")
        }
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
            errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        }
    }
}
