import KubeObject
import KubeSchema

/// What the kinds of dynamic resource allocation share.
enum DeviceValidation {
    /// A list of bounded length.
    static func validateList(
        _ list: JSON?, _ maximum: Int, _ path: String, _ errors: inout FieldErrors,
        _ check: (JSON, String, inout FieldErrors) -> Void
    ) {
        errors.each(list, path, check)
        let count = list?.elements.count ?? 0
        if count > maximum { errors.tooMany(path, count, maximum) }
    }

    /// A list of bounded length whose elements' names differ.
    static func validateNamed(
        _ list: JSON?, _ maximum: Int, _ path: String, _ errors: inout FieldErrors,
        _ check: (JSON, String, inout FieldErrors) -> Void
    ) {
        validateList(list, maximum, path, &errors, check)
        var names: Set<String> = []
        for (index, element) in (list?.elements ?? []).enumerated() where !names.insert(element.text("name")).inserted {
            errors.duplicate("\(path)[\(index)].name", .string(element.text("name")))
        }
    }

    static func validateSelectors(_ selectors: JSON?, _ path: String, _ errors: inout FieldErrors) {
        validateList(selectors, 32, path, &errors) { selector, path, errors in
            guard let cel = selector.present("cel") else { return errors.required("\(path).cel") }
            let expression = cel.text("expression")
            if expression.utf8.count > 10 * 1024 { return errors.tooLong("\(path).cel.expression", 10 * 1024) }
            do throws(CELError) {
                let program = try CELProgram(expression)
                for name in program.freeNames.subtracting(["device"]).sorted() {
                    errors.invalid(
                        "\(path).cel.expression", .string(expression),
                        "compilation failed: undeclared reference to '\(name)' (in container '')")
                }
            } catch {
                errors.invalid(
                    "\(path).cel.expression", .string(expression), "compilation failed: \(error.description)")
            }
        }
    }

    static func validateDriver(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        if name.isEmpty { return errors.required(path) }
        if name.utf8.count > 63 { errors.tooLong(path, 63) }
        errors.invalid(path, name, Names.subdomain(name.lowercased()))
    }

    static func validateConfiguration(_ configuration: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let opaque = configuration.present("opaque") else { return errors.required("\(path).opaque") }
        validateDriver(opaque.text("driver"), "\(path).opaque.driver", &errors)
        guard let parameters = opaque.present("parameters") else { return errors.required("\(path).opaque.parameters") }
        if parameters.object == nil {
            errors.invalid(
                "\(path).opaque.parameters", .string("<value omitted>"),
                "parsing JSON: unmarshal into map[string]any failed")
        }
    }

    /// A name that may have a domain before it.
    static func validateQualifiedName(
        _ name: String, _ path: String, isFull: Bool = false, _ errors: inout FieldErrors
    ) {
        if name.isEmpty { return errors.required(path, "name required") }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: validateIdentifier(parts[0], path, &errors)
        case 2:
            if parts[0].isEmpty {
                errors.invalid(path, .string(""), "the domain must not be empty")
            } else {
                validateDriver(parts[0], path, &errors)
            }
            if parts[1].isEmpty {
                errors.invalid(path, .string(""), "the name must not be empty")
            } else {
                validateIdentifier(parts[1], path, &errors)
            }
        default: errors.invalid(path, .string(name), "must have the form [domain/]name")
        }
        if isFull, parts.count < 2 { errors.invalid(path, .string(name), "must include a domain") }
    }

    private static func validateIdentifier(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        if name.utf8.count > 32 { errors.tooLong(path, 32) }
        let underscore = UInt8(ascii: "_")
        let isGood =
            name.utf8.allSatisfy { Names.isAlphanumeric($0) || $0 == underscore }
            && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(name.utf8.first ?? UInt8(ascii: "0"))
        if !isGood {
            errors.invalid(
                path, .string(name),
                "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
                    + "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
                    + "'[A-Za-z_][A-Za-z0-9_]*')")
        }
    }

    static func validateTolerations(_ tolerations: JSON?, _ path: String, _ errors: inout FieldErrors) {
        validateList(tolerations, 16, path, &errors) { toleration, path, errors in
            let (key, value, kind) = (toleration.text("key"), toleration.text("value"), toleration.text("operator"))
            errors.optionalText(toleration, "key", path, Names.qualified)
            if key.isEmpty, kind != "Exists" {
                errors.invalid(
                    "\(path).operator", .string(kind),
                    "operator must be `Exists` when `key` is empty, which means \"match all values and all keys\"")
            }
            errors.oneOf(toleration["operator"], ["Equal", "Exists"], "\(path).operator", isRequired: true)
            if kind == "Equal" {
                errors.invalid("\(path).value", value, Names.labelValue(value))
            } else if kind == "Exists", !value.isEmpty {
                errors.invalid("\(path).value", .string(value), "must be empty for operator `Exists`")
            }
            errors.oneOf(toleration["effect"], ["NoExecute", "NoSchedule", "None"], "\(path).effect")
        }
    }
}
