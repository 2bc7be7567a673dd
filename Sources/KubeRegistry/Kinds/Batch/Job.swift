import KubeObject

/// Job: its selector and labels are made from its uid, unless it brings its own.
struct JobRules: KindRules {
    var countsGeneration: Bool { true }
    var defaultPropagation: PropagationPolicy? { .orphan }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec", Self.setSpecDefaults)
        Workload.copyTemplateLabels(&object)
        object.setDefault("status", [:])
    }

    static func setSpecDefaults(_ spec: inout JSON) {
        if spec["completions"]?.int == nil, spec["parallelism"]?.int == nil {
            spec["completions"] = 1
            spec["parallelism"] = 1
        }
        spec.setDefault("parallelism", 1)
        if spec["backoffLimit"]?.int == nil {
            spec["backoffLimit"] = spec["backoffLimitPerIndex"]?.int == nil ? 6 : .int(Int64(Int32.max))
        }
        spec.setDefaultText("completionMode", "NonIndexed")
        spec.setDefault("suspend", false)
        spec.setDefault("manualSelector", false)
        if !spec.has("podReplacementPolicy") {
            spec["podReplacementPolicy"] = spec.has("podFailurePolicy") ? "Failed" : "TerminatingOrFailed"
        }
        spec.edit("template", PodDefaults.setTemplateDefaults)
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = [:]
        guard object[path: "spec", "manualSelector"]?.bool != true else { return }
        let uid = object["metadata"]?.text("uid") ?? ""
        let name = object["metadata"]?.text("name") ?? ""
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name), ("controller-uid", uid),
            ("job-name", name),
        ] {
            object[path: "spec", "template", "metadata", "labels", key] = .string(value)
        }
        object[path: "spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"] = .string(uid)
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        // A client that sends the object without what the server added doesn't mean to take it away.
        if !(object["spec"]?.has("selector") ?? false) { object[path: "spec", "selector"] = old[path: "spec", "selector"] }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        validateGenerated(object, spec, &errors)
        Self.validateSpec(spec, &errors)
        let name = object["metadata"]?.text("name") ?? ""
        if spec.text("completionMode") == "Indexed", let completions = spec["completions"]?.int, completions > 0 {
            // The last pod's hostname has the greatest index.
            let host = "\(name)-\(completions - 1)"
            if !Names.label(host).isEmpty {
                errors.invalid(
                    "metadata.name", .string(name), "will not able to create pod with invalid DNS label: \(host)")
            }
        }
    }

    private static func validateSpec(_ spec: JSON, _ errors: inout FieldErrors) {
        JobValidation.validate(spec, "spec", &errors)
        guard let selector = spec.present("selector") else { return errors.required("spec.selector") }
        SelectorValidation.validate(selector, "spec.selector", &errors)
        Workload.validateMatch(spec, &errors)
    }

    /// A selector that the server made must be as it made it.
    private func validateGenerated(_ object: JSON, _ spec: JSON, _ errors: inout FieldErrors) {
        guard spec["manualSelector"]?.bool != true, let selector = spec.present("selector") else { return }
        let uid = object["metadata"]?.text("uid") ?? ""
        let name = object["metadata"]?.text("name") ?? ""
        if uid.isEmpty { errors.required("metadata.uid") }
        let labels = spec[path: "template", "metadata", "labels"]
        var expected: [String: String] = [:]
        for (key, value) in [
            ("controller-uid", uid), ("job-name", name), ("batch.kubernetes.io/controller-uid", uid),
            ("batch.kubernetes.io/job-name", name),
        ] {
            expected[key] = value
            let path = "spec.template.metadata.labels[\(key)]"
            if labels?[key] == nil {
                errors.required(path, "must be '\(value)'")
            } else if labels?[key]?.string != value {
                errors.invalid(path, labels, "must be '\(value)'")
            }
        }
        if let parsed = Result(catching: { try LabelSelector(selector) }).value, !parsed.matches(expected) {
            errors.invalid("spec.selector", selector, "`selector` not auto-generated")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        Self.validateSpec(new, &errors)
        JobValidation.validateUpdate(new, old: before, isPaused: Self.isPaused(old), &errors)
    }

    /// Whether the job waits and has no pods but such as are ending, so that where the next are to run, and with what, may change (KEP-5440).
    private static func isPaused(_ old: JSON) -> Bool {
        guard old[path: "spec", "suspend"]?.bool == true, old[path: "status", "active"]?.int ?? 0 == 0 else { return false }
        let conditions = old[path: "status", "conditions"]?.elements ?? []
        return !(old["status"]?.has("startTime") ?? false)
            || conditions.contains { $0.text("type") == "Suspended" && $0.text("status") == "True" }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        JobStatusValidation.validate(object, old: old, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        var warnings = Workload.warnings(object, old: old, template: "spec", "template")
        let spec = object["spec"] ?? [:]
        if spec.text("completionMode") == "Indexed", let completions = spec["completions"]?.int,
            let parallelism = spec["parallelism"]?.int, completions > 100_000, parallelism > 10_000
        {
            warnings.append(
                "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                    + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
        }
        return warnings
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.successful" ? String(object.tree[path: "status", "succeeded"]?.int ?? 0) : nil
    }
}
