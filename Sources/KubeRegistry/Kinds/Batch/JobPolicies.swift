import KubeObject

/// What is checked of what failed pods do to their job (KEP-3329).
enum PodFailurePolicyValidation {
    static func validate(_ policy: JSON, _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let rules = policy["rules"] ?? []
        if rules.elements.count > 20 { errors.tooMany("\(path).rules", rules.elements.count, 20) }
        let pod = spec[path: "template", "spec"] ?? [:]
        let containers = Set(
            ["containers", "initContainers"].flatMap { (pod[$0]?.elements ?? []).map { $0.text("name") } })
        errors.each(rules, "\(path).rules") { rule, path, errors in
            validateAction(rule.text("action"), spec, "\(path).action", &errors)
            let codes = rule.present("onExitCodes")
            let conditions = rule["onPodConditions"] ?? []
            if let codes { validateCodes(codes, containers, "\(path).onExitCodes", &errors) }
            validateConditions(conditions, "\(path).onPodConditions", &errors)
            if codes != nil, !conditions.isEmpty {
                errors.invalid(path, withoutValue: "specifying both OnExitCodes and OnPodConditions is not supported")
            } else if codes == nil, conditions.isEmpty {
                errors.invalid(path, withoutValue: "specifying one of OnExitCodes and OnPodConditions is required")
            }
        }
    }

    private static func validValues(_ values: [String]) -> String {
        "valid values: [\(values.map { quoted($0) }.joined(separator: " "))]"
    }

    private static func validateAction(_ action: String, _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let actions = ["Count", "FailIndex", "FailJob", "Ignore"]
        if action.isEmpty {
            errors.required(path, validValues(actions))
        } else if action == "FailIndex" {
            if spec["backoffLimitPerIndex"]?.int == nil {
                errors.invalid(path, .string(action), "requires the backoffLimitPerIndex to be set")
            }
        } else if !actions.contains(action) {
            errors.notSupported(path, .string(action), actions)
        }
    }

    private static func validateConditions(_ conditions: JSON, _ path: String, _ errors: inout FieldErrors) {
        if conditions.elements.count > 20 { errors.tooMany(path, conditions.elements.count, 20) }
        let statuses = ["False", "True", "Unknown"]
        errors.each(conditions, path) { pattern, path, errors in
            errors.invalid("\(path).type", pattern.text("type"), Names.qualified(pattern.text("type")))
            let status = pattern.text("status")
            if status.isEmpty {
                errors.required("\(path).status", validValues(statuses))
            } else if !statuses.contains(status) {
                errors.notSupported("\(path).status", .string(status), statuses)
            }
        }
    }

    private static func validateCodes(
        _ codes: JSON, _ containers: Set<String>, _ path: String, _ errors: inout FieldErrors
    ) {
        let op = codes.text("operator")
        if op.isEmpty {
            errors.required("\(path).operator", validValues(["In", "NotIn"]))
        } else if op != "In", op != "NotIn" {
            errors.notSupported("\(path).operator", .string(op), ["In", "NotIn"])
        }
        if let name = codes.present("containerName")?.string, !containers.contains(name) {
            errors.invalid(
                "\(path).containerName", .string(name),
                "must be one of the container or initContainer names in the pod template")
        }
        let values = codes["values"]?.elements.compactMap(\.int) ?? []
        if values.isEmpty {
            errors.invalid("\(path).values", codes["values"] ?? .null, "at least one value is required")
        } else if values.count > 255 {
            errors.tooMany("\(path).values", values.count, 255)
        }
        var seen: Set<Int64> = []
        for (index, value) in values.enumerated() {
            if op == "In", value == 0 {
                errors.invalid("\(path).values[\(index)]", .int(value), "must not be 0 for the In operator")
            }
            if !seen.insert(value).inserted { errors.duplicate("\(path).values[\(index)]", .int(value)) }
        }
        if zip(values, values.dropFirst()).contains(where: >) {
            errors.invalid("\(path).values", codes["values"], "must be ordered")
        }
    }
}

/// What is checked of when an indexed job has succeeded before all of its pods have (KEP-3998).
enum SuccessPolicyValidation {
    static func validate(_ policy: JSON, _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let rules = policy["rules"] ?? []
        if rules.isEmpty {
            errors.required("\(path).rules", "at least one rules must be specified when the successPolicy is specified")
        }
        if rules.elements.count > 20 { errors.tooMany("\(path).rules", rules.elements.count, 20) }
        let completions = spec["completions"]?.int ?? 0
        errors.each(rules, "\(path).rules") { rule, path, errors in
            let count = rule["succeededCount"]?.int
            let indexes = rule.present("succeededIndexes")?.string
            if count == nil, indexes == nil {
                errors.required(path, "at least one of succeededCount or succeededIndexes must be specified")
            }
            var total: Int64 = 0
            if let indexes {
                if indexes.utf8.count > 64 * 1024 { errors.tooLong("\(path).succeededIndexes", 64 * 1024) }
                switch JobIndexes.parse(indexes, completions) {
                case .success(let ranges): total = ranges.reduce(0) { $0 + Int64($1.count) }
                case .failure(let error):
                    errors.invalid(
                        "\(path).succeededIndexes", .string(indexes), "error parsing succeededIndexes: \(error.description)")
                }
            }
            guard let count else { return }
            errors.nonnegative(.int(count), "\(path).succeededCount")
            let bound = "must be less than or equal to"
            if count > completions {
                errors.invalid(
                    "\(path).succeededCount", .int(count), "\(bound) \(completions) (the number of specified completions)")
            }
            if indexes != nil, count > total {
                errors.invalid(
                    "\(path).succeededCount", .int(count),
                    "\(bound) \(total) (the number of indexes in the specified succeededIndexes field)")
            }
        }
    }
}

/// Indexes as text: `0,3-5,7`.
enum JobIndexes {
    struct ParseError: Error, CustomStringConvertible { let description: String }

    /// - Parameter completions: how many indexes there are.
    static func parse(_ text: String, _ completions: Int64) -> Result<[ClosedRange<Int64>], ParseError> {
        if text.isEmpty { return .success([]) }
        func fail(_ text: String) -> Result<[ClosedRange<Int64>], ParseError> { .failure(ParseError(description: text)) }
        var ranges: [ClosedRange<Int64>] = []
        for interval in text.split(separator: ",", omittingEmptySubsequences: false) {
            let limits = interval.split(separator: "-", omittingEmptySubsequences: false)
            if limits.count > 2 {
                return fail(
                    "the fragment \(quoted(String(interval))) violates the requirement that an index interval can have at most two "
                        + "parts separated by '-'")
            }
            var numbers: [Int64] = []
            for limit in limits {
                let shown = quoted(String(limit))
                guard let number = Int64(limit) else { return fail("cannot convert string to integer for index: \(shown)") }
                if number >= completions { return fail("too large index: \(shown)") }
                numbers.append(number)
            }
            let first = numbers[0]
            let last = numbers.last ?? first
            if numbers.count == 2, first >= last {
                return fail("non-increasing order, previous: \(first), current: \(last)")
            }
            if let before = ranges.last?.upperBound, before >= first {
                return fail("non-increasing order, previous: \(before), current: \(first)")
            }
            ranges.append(first...last)
        }
        return .success(ranges)
    }
}
