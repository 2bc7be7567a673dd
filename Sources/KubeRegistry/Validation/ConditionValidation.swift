import KubeObject

/// Checks lists of `meta/v1` conditions.
enum ConditionValidation {
    static func validate(_ conditions: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        errors.each(conditions, path) { condition, path, errors in
            let type = condition.text("type")
            if !seen.insert(type).inserted { errors.duplicate("\(path).type", .string(type)) }
            errors.text(condition, "type", path, Names.qualified)
            let statuses = ["False", "True", "Unknown"]
            errors.oneOf(condition["status"], statuses, "\(path).status", isRequired: true)
            errors.nonnegative(condition["observedGeneration"], "\(path).observedGeneration")
            if !condition.has("lastTransitionTime") { errors.required("\(path).lastTransitionTime", "must be set") }
            let message = condition.text("message")
            let reason = condition.text("reason")
            if reason.utf8.count > 1024 { errors.tooLong("\(path).reason", 1024) }
            errors.text(condition, "reason", path, reasonProblems)
            if message.utf8.count > 32 * 1024 { errors.tooLong("\(path).message", 32 * 1024) }
        }
    }

    private static func reasonProblems(_ text: String) -> [String] {
        func isWord(_ byte: UInt8) -> Bool { Names.isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
        let bytes = Array(text.utf8)
        let startsWell = bytes.first.map { Names.isAlphanumeric($0) && !($0 &- 48 < 10) } ?? false
        let isFine =
            startsWell && bytes.allSatisfy { isWord($0) || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }
            && (bytes.last.map(isWord) ?? false)
        return isFine
            ? []
            : [
                "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters "
                    + "or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or "
                    + "'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
            ]
    }
}
