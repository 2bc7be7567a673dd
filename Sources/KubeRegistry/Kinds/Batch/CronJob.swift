import KubeObject

/// CronJob.
struct CronJobRules: KindRules {
    var countsGeneration: Bool { true }

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

    func validate(_ object: JSON, _ errors: inout FieldErrors) { validate(object, old: nil, &errors) }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        // Jobs' names add eleven characters.
        let name = object["metadata"]?.text("name") ?? ""
        if name.utf8.count > 52 { errors.invalid("metadata.name", .string(name), "must be no more than 52 characters") }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) { validate(object, old: old, &errors) }

    private func validate(_ object: JSON, old: JSON?, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let schedule = spec.text("schedule")
        if schedule.isEmpty {
            errors.required("spec.schedule")
        } else {
            validateSchedule(schedule, spec, old?["spec"]?.text("schedule") ?? "", &errors)
        }
        errors.nonnegative(spec["startingDeadlineSeconds"], "spec.startingDeadlineSeconds")
        if let zone = spec.present("timeZone")?.string, old?[path: "spec", "timeZone"]?.string != zone {
            errors.invalid("spec.timeZone", zone, TimeZoneNames.problems(zone))
        }
        errors.oneOf(
            spec["concurrencyPolicy"], ["Allow", "Forbid", "Replace"], "spec.concurrencyPolicy", isRequired: true)
        let template = spec[path: "jobTemplate", "spec"] ?? [:]
        let path = "spec.jobTemplate.spec"
        JobValidation.validate(template, path, &errors)
        if let selector = template.present("selector") {
            errors.invalid("\(path).selector", selector, "`selector` will be auto-generated")
        }
        if template["manualSelector"]?.bool == true {
            errors.notSupported("\(path).manualSelector", true, ["nil", "false"])
        }
        errors.nonnegative(spec, ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"], "spec")
    }

    private func validateSchedule(_ schedule: String, _ spec: JSON, _ old: String, _ errors: inout FieldErrors) {
        if let problem = CronExpression.problem(schedule) { errors.invalid("spec.schedule", .string(schedule), problem) }
        guard schedule.contains("TZ") else { return }
        if !old.contains("TZ") {
            errors.invalid(
                "spec.schedule", .string(schedule), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        } else if spec.present("timeZone") != nil {
            errors.invalid(
                "spec.schedule", .string(schedule), "cannot use both timeZone field and TZ or CRON_TZ in schedule")
        }
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        Workload.warnings(object, old: old, template: "spec", "jobTemplate", "spec", "template")
    }
}
