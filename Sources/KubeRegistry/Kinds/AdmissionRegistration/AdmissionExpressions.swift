import KubeObject
import KubeSchema

/// The expressions of webhooks' conditions and of admission policies: whether they can be understood and read only what there is.
struct AdmissionExpressions {
    var hasParams = false
    var hasAuthorizer = true

    private var names: Set<String> {
        var names: Set<String> = ["object", "oldObject", "request", "namespaceObject", "variables"]
        if hasParams { names.insert("params") }
        if hasAuthorizer { names.insert("authorizer") }
        return names
    }

    /// - Parameter missing: what is said when there is no expression.
    func validate(_ text: String, _ path: String, missing: String = "", _ errors: inout FieldErrors) {
        let trimmed = text.trimming { $0.isWhitespace }
        if trimmed.isEmpty { return errors.required(path, missing) }
        do {
            let program = try CELProgram(trimmed)
            for name in program.freeNames.subtracting(names).sorted() {
                errors.invalid(
                    path, .string(text), "compilation failed: undeclared reference to '\(name)' (in container '')")
            }
        } catch {
            errors.invalid(path, .string(text), "compilation failed: \(error.description)")
        }
    }
}
