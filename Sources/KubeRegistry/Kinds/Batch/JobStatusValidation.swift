import KubeObject

/// What is checked of a job's status: that its conditions, times and counts agree, and that what is final stays.
struct JobStatusValidation {
    private let spec: JSON
    private let status: JSON
    private let old: JSON

    static func validate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let check = JobStatusValidation(
            spec: object["spec"] ?? [:], status: object["status"] ?? [:], old: old["status"] ?? [:])
        check.validateCounts(&errors)
        check.validateConditions(&errors)
        check.validateFinished(&errors)
        check.validateIndexes(&errors)
        check.validateChange(&errors)
    }

    private static func has(_ status: JSON, _ type: String) -> Bool {
        (status["conditions"]?.elements ?? []).contains { $0.text("type") == type && $0.text("status") == "True" }
    }

    private func has(_ type: String) -> Bool { Self.has(status, type) }
    private var isFinished: Bool { has("Complete") || has("Failed") }

    private func validateCounts(_ errors: inout FieldErrors) {
        errors.nonnegative(status, ["active", "succeeded", "failed", "ready", "terminating"], "status")
        var seen: Set<String> = []
        for key in ["succeeded", "failed"] {
            errors.each(status["uncountedTerminatedPods"]?[key], "status.uncountedTerminatedPods.\(key)") { uid, path, errors in
                let text = uid.string ?? ""
                if text.isEmpty {
                    errors.invalid(path, uid, "must not be empty")
                } else if !seen.insert(text).inserted {
                    errors.duplicate(path, uid)
                }
            }
        }
    }

    private func validateConditions(_ errors: inout FieldErrors) {
        func refuse(_ isWrong: Bool, _ detail: String) {
            if isWrong { errors.invalid("status.conditions", withoutValue: detail) }
        }
        let complete = has("Complete")
        let failed = has("Failed")
        let isMet = has("SuccessCriteriaMet")
        refuse(complete && failed, "cannot set Complete=True and Failed=true conditions")
        refuse(complete && has("FailureTarget"), "cannot set Complete=True and FailureTarget=true conditions")
        if status.has("completionTime"), !complete {
            errors.invalid(
                "status.completionTime", status["completionTime"],
                "cannot set completionTime when there is no Complete=True condition")
        }
        if complete, !status.has("completionTime") {
            errors.required("status.completionTime", "completionTime is required for Complete jobs")
        }
        if let start = status["startTime"]?.string.flatMap({ Timestamp.parse($0) }),
            let end = status["completionTime"]?.string.flatMap({ Timestamp.parse($0) }), end < start
        {
            errors.invalid(
                "status.completionTime", status["completionTime"], "completionTime cannot be set before startTime")
        }
        refuse(
            failed && !has("FailureTarget"), "cannot set Failed=True condition without the FailureTarget=true condition")
        refuse(
            complete && !isMet, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
        refuse(isMet && failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions")
        refuse(isMet && has("FailureTarget"), "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
    }

    private func validateFinished(_ errors: inout FieldErrors) {
        guard isFinished else { return }
        if let active = status["active"]?.int, active > 0 {
            errors.invalid("status.active", .int(active), "active>0 is invalid for finished job")
        }
        if !status.has("startTime") { errors.required("status.startTime", "startTime is required for finished job") }
        if let pods = status["uncountedTerminatedPods"], pods.has("failed") || pods.has("succeeded") {
            errors.invalid(
                "status.uncountedTerminatedPods", pods, "uncountedTerminatedPods needs to be empty for finished job")
        }
        if let terminating = status["terminating"]?.int, terminating > 0 {
            errors.invalid("status.terminating", .int(terminating), "terminating>0 is invalid for finished job")
        }
    }

    private func validateIndexes(_ errors: inout FieldErrors) {
        if let ready = status["ready"]?.int, ready > status["active"]?.int ?? 0 {
            errors.invalid("status.ready", .int(ready), "cannot set more ready pods than active")
        }
        let completed = status.text("completedIndexes")
        let failed = status.present("failedIndexes")?.string
        if !completed.isEmpty, spec.text("completionMode") != "Indexed" {
            errors.invalid(
                "status.completedIndexes", .string(completed),
                "cannot set non-empty completedIndexes when non-indexed completion mode")
        }
        if let failed, spec["backoffLimitPerIndex"]?.int == nil {
            errors.invalid(
                "status.failedIndexes", .string(failed), "cannot set non-null failedIndexes when backoffLimitPerIndex is null")
        }
        guard let completions = spec["completions"]?.int else { return }
        var parsed: [[ClosedRange<Int64>]] = []
        for (key, text) in [("completedIndexes", completed), ("failedIndexes", failed ?? "")] {
            switch JobIndexes.parse(text, completions) {
            case .success(let ranges): parsed.append(ranges)
            case .failure(let error):
                errors.invalid("status.\(key)", .string(text), "error parsing \(key): \(error.description)")
            }
        }
        guard parsed.count == 2, let failed else { return }
        for range in parsed[1] {
            guard let other = parsed[0].first(where: { $0.overlaps(range) }) else { continue }
            return errors.invalid(
                "status.failedIndexes", .string(failed),
                "failedIndexes and completedIndexes overlap at index: \(max(range.lowerBound, other.lowerBound))")
        }
    }

    private func validateChange(_ errors: inout FieldErrors) {
        for type in ["Failed", "Complete", "FailureTarget"] where Self.has(old, type) && !has(type) {
            errors.invalid("status.conditions", withoutValue: "cannot disable the terminal \(type)=True condition")
        }
        for key in ["failed", "succeeded"] {
            let now = status[key]?.int ?? 0
            if now < old[key]?.int ?? 0 { errors.invalid("status.\(key)", .int(now), "cannot decrease the \(key) counter") }
        }
        if status.has("completionTime"), old.has("completionTime"), status["completionTime"] != old["completionTime"] {
            errors.invalid("status.completionTime", status["completionTime"], "completionTime cannot be mutated")
        }
        if old.has("startTime"), old["startTime"] != status["startTime"], spec["suspend"]?.bool != true {
            errors.required("status.startTime", "startTime cannot be removed for unsuspended job")
        }
        if Self.has(old, "SuccessCriteriaMet"), !has("SuccessCriteriaMet") {
            errors.invalid("status.conditions", withoutValue: "cannot disable the SuccessCriteriaMet=True condition")
        }
        if Self.has(old, "Complete"), !Self.has(old, "SuccessCriteriaMet"), has("SuccessCriteriaMet") {
            errors.invalid(
                "status.conditions",
                withoutValue: "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")
        }
    }
}
