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
        Self.validateSpec(spec, "spec", &errors)
        guard let selector = spec["selector"], !selector.isNull else { return errors.required("spec.selector") }
        SelectorValidation.validate(selector, "spec.selector", &errors)
        let labels = spec[path: "template", "metadata", "labels"]
        if let parsed = Result(catching: { try LabelSelector(selector) }).value, !parsed.matches(labels?.stringMap ?? [:]) {
            errors.invalid("spec.template.metadata.labels", labels ?? [:], "`selector` does not match template `labels`")
        }
    }

    static func validateSpec(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        for key in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
            "backoffLimitPerIndex",
            "maxFailedIndexes",
        ] {
            errors.nonnegative(spec[key], "\(path).\(key)")
        }
        errors.oneOf(spec["completionMode"], ["NonIndexed", "Indexed"], "\(path).completionMode")
        if spec.text("completionMode") == "Indexed", spec["completions"]?.int == nil {
            errors.required("\(path).completions", "when completion mode is Indexed")
        }
        guard let template = spec["template"], !template.isNull else { return errors.required("\(path).template") }
        Workload.validatePodTemplate(template, "\(path).template", &errors)
        let policy = template["spec"]?.text("restartPolicy") ?? ""
        if policy != "OnFailure", policy != "Never" {
            if policy.isEmpty || policy == "Always" {
                errors.required("\(path).template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"")
            } else {
                errors.notSupported("\(path).template.spec.restartPolicy", .string(policy), ["OnFailure", "Never"])
            }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        if new.text("completionMode") != "Indexed" || new["completions"] != new["parallelism"] {
            errors.immutable(new["completions"], before["completions"], "spec.completions")
        }
        errors.immutable(new["selector"], before["selector"], "spec.selector")
        let mayMove = before["suspend"]?.bool == true && (old["status"]?.has("startTime") ?? false) == false
        if !mayMove { errors.immutable(new["template"], before["template"], "spec.template") }
        errors.immutable(new["completionMode"], before["completionMode"], "spec.completionMode")
        errors.immutable(new["podFailurePolicy"], before["podFailurePolicy"], "spec.podFailurePolicy")
        errors.immutable(new["backoffLimitPerIndex"], before["backoffLimitPerIndex"], "spec.backoffLimitPerIndex")
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "status.successful" ? String(object.tree[path: "status", "succeeded"]?.int ?? 0) : nil
    }
}

/// CronJob.
struct CronJobRules: KindRules {
    var countsGeneration: Bool { true }

    /// Jobs' names add eleven characters.
    var nameRule: NameRule {
        .custom { name in
            Names.subdomain(name) + (name.utf8.count > 52 ? ["must be no more than 52 characters"] : [])
        }
    }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("concurrencyPolicy", "Allow")
            spec.setDefault("suspend", false)
            spec.setDefault("successfulJobsHistoryLimit", 3)
            spec.setDefault("failedJobsHistoryLimit", 1)
            spec.edit("jobTemplate") { template in
                template.edit("spec") { job in
                    // A template keeps what isn't said; only the pods are completed.
                    job.edit("template", PodDefaults.setTemplateDefaults)
                }
            }
        }
        object.setDefault("status", [:])
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let schedule = spec.text("schedule")
        if schedule.isEmpty {
            errors.required("spec.schedule")
        } else if schedule.contains("TZ") {
            errors.invalid("spec.schedule", .string(schedule), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        } else if !Self.isSchedule(schedule) {
            errors.invalid(
                "spec.schedule", .string(schedule),
                "Expected exactly 5 fields, found \(schedule.split(separator: " ").count): \(schedule)")
        }
        errors.nonnegative(spec["startingDeadlineSeconds"], "spec.startingDeadlineSeconds")
        errors.oneOf(
            spec["concurrencyPolicy"], ["Allow", "Forbid", "Replace"], "spec.concurrencyPolicy", isRequired: true)
        errors.nonnegative(spec["successfulJobsHistoryLimit"], "spec.successfulJobsHistoryLimit")
        errors.nonnegative(spec["failedJobsHistoryLimit"], "spec.failedJobsHistoryLimit")
        JobRules.validateSpec(spec[path: "jobTemplate", "spec"] ?? [:], "spec.jobTemplate.spec", &errors)
    }

    private static func isSchedule(_ text: String) -> Bool {
        text.hasPrefix("@") || text.split(whereSeparator: { $0 == " " || $0 == "\t" }).count == 5
    }
}
