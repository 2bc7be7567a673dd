import KubeObject

/// Validation of one version of a definition.
enum CustomResourceVersionRules {
    static func errors(in version: JSON, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let warning = version["deprecationWarning"]?.string {
            if version["deprecated"]?.bool != true {
                errors.append(.invalid("\(path).deprecationWarning", .string(warning), "can only be set for deprecated versions"))
            } else if warning.isEmpty || warning.utf8.count > 256 {
                errors.append(
                    .invalid(
                        "\(path).deprecationWarning", .string(warning),
                        warning.isEmpty ? "must not be empty" : "must be <= 256 characters long"))
            }
        }
        if let schema = version[path: "schema", "openAPIV3Schema"], schema.object != nil {
            let schemaPath = "\(path).schema.openAPIV3Schema"
            let wrong = StructuralCheck.errors(in: schema, path: schemaPath)
            errors += wrong.isEmpty ? defaults(schema, schemaPath) : wrong
        } else {
            errors.append(.required("\(path).schema.openAPIV3Schema", "schemas are required"))
        }
        if let scale = version[path: "subresources", "scale"], scale.object != nil {
            errors += self.scale(scale, "\(path).subresources.scale")
        }
        for (index, column) in (version["additionalPrinterColumns"]?.elements ?? []).enumerated() {
            errors += self.column(column, "\(path).additionalPrinterColumns[\(index)]")
        }
        errors += selectableFields(version, path)
        return errors
    }

    /// Defaults must be values that the schema allows and doesn't prune.
    private static func defaults(_ json: JSON, _ path: String) -> [FieldError] {
        let schema: StructuralSchema
        do { schema = try StructuralSchema(json) } catch { return [.invalid(path, "", error.description)] }
        var errors: [FieldError] = []
        visit(schema, path, &errors)
        return errors
    }

    private static func visit(_ schema: StructuralSchema, _ path: String, _ errors: inout [FieldError]) {
        if let value = schema.defaultValue {
            for error in schema.errors(in: value) {
                let below = error.path == "<nil>" ? "" : ".\(error.path)"
                errors.append(FieldError(error.type, "\(path).default\(below)", error.badValue, error.detail))
            }
            var kept = value
            if !schema.isEmbeddedResource, !schema.prune(&kept).isEmpty {
                errors.append(.invalid("\(path).default", value, "must not have unknown fields"))
            }
        }
        for name in schema.propertyNames {
            if let property = schema.properties[name] { visit(property, "\(path).properties[\(name)]", &errors) }
        }
        if let additional = schema.additionalSchema { visit(additional, "\(path).additionalProperties", &errors) }
        if let items = schema.items { visit(items, "\(path).items", &errors) }
    }

    private static func scale(_ scale: JSON, _ path: String) -> [FieldError] {
        func check(_ key: String, below: String, isRequired: Bool) -> FieldError? {
            let text = scale[key]?.string ?? ""
            let keyPath = "\(path).\(key)"
            if text.isEmpty { return isRequired ? .required(keyPath, "") : nil }
            if SimplePath(text) == nil { return .invalid(keyPath, .string(text), "must be a simple json path starting with .") }
            return text.hasPrefix(".\(below).") ? nil : .invalid(keyPath, .string(text), "should be a json path under .\(below)")
        }
        let selector = scale["labelSelectorPath"]?.string ?? ""
        return [
            check("specReplicasPath", below: "spec", isRequired: true),
            check("statusReplicasPath", below: "status", isRequired: true),
            selector.hasPrefix(".spec.") ? nil : check("labelSelectorPath", below: "status", isRequired: false),
        ].compactMap { $0 }
    }

    private static let columnTypes = ["integer", "number", "string", "boolean", "date"]
    private static let columnFormats: Set<String> = [
        "int32", "int64", "float", "double", "byte", "date", "date-time", "password",
    ]

    private static func column(_ column: JSON, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        func text(_ key: String) -> String { column[key]?.string ?? "" }
        if text("name").isEmpty { errors.append(.required("\(path).name", "")) }
        if text("type").isEmpty {
            errors.append(.required("\(path).type", "must be one of \(columnTypes.sorted().joined(separator: ","))"))
        } else if !columnTypes.contains(text("type")) {
            errors.append(
                .invalid("\(path).type", .string(text("type")), "must be one of \(columnTypes.sorted().joined(separator: ","))"))
        }
        if !text("format").isEmpty, !columnFormats.contains(text("format")) {
            errors.append(
                .invalid(
                    "\(path).format", .string(text("format")), "must be one of \(columnFormats.sorted().joined(separator: ","))"))
        }
        if text("jsonPath").isEmpty {
            errors.append(.required("\(path).jsonPath", ""))
        } else {
            do { _ = try JSONPathColumn(text("jsonPath")) } catch {
                errors.append(.invalid("\(path).jsonPath", .string(text("jsonPath")), "is an invalid JSON path: \(error)"))
            }
        }
        return errors
    }

    private static let maximumSelectable = 8

    private static func selectableFields(_ version: JSON, _ path: String) -> [FieldError] {
        let fields = version["selectableFields"]?.elements ?? []
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let text = field["jsonPath"]?.string ?? ""
            let fieldPath = "\(path).selectableFields[\(index)].jsonPath"
            guard !text.isEmpty else {
                errors.append(.required(fieldPath, ""))
                continue
            }
            guard let simple = SimplePath(text) else {
                errors.append(.invalid(fieldPath, .string(text), "is an invalid path: expected [ or . but got: \(text)"))
                continue
            }
            var schema = version[path: "schema", "openAPIV3Schema"]
            for key in simple.keys { schema = schema?[path: "properties", key] }
            if simple.keys.first == "metadata" {
                errors.append(.invalid(fieldPath, .string(text), "must not point to fields in metadata"))
            } else if schema == nil {
                errors.append(.invalid(fieldPath, .string(text), "is an invalid path: does not refer to a valid field"))
            } else if !["string", "integer", "boolean"].contains(schema?["type"]?.string ?? "") {
                errors.append(
                    .invalid(
                        fieldPath, .string(text),
                        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
                    ))
            }
            if !seen.insert(text).inserted { errors.append(.duplicate(fieldPath, .string(text))) }
        }
        if fields.count > maximumSelectable {
            errors.append(.tooMany("\(path).selectableFields", fields.count, maximum: maximumSelectable))
        }
        return errors
    }
}
