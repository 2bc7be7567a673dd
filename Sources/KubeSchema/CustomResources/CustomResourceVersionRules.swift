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
                        warning.isEmpty ? "must not be an empty string" : "must be <= 256 characters long"))
            }
        }
        if version[path: "schema", "openAPIV3Schema"]?.object == nil {
            errors.append(.required("\(path).schema.openAPIV3Schema", ""))
        }
        return errors
    }

    /// - Parameter isUnchanged: whether the definition had the same schema before.
    static func schema(_ schema: JSON, hasStatus: Bool, isUnchanged: Bool, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if hasStatus, let type = schema["type"]?.string, !type.isEmpty, type != "object" {
            errors.append(
                .invalid(
                    "\(path).type", .string(type),
                    "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled"))
        }
        let wrong = StructuralCheck.errors(in: schema, path: path)
        guard wrong.isEmpty else { return errors + wrong }
        let parsed: StructuralSchema
        do { parsed = try StructuralSchema(schema) } catch { return errors + [.invalid(path, "", error.description)] }
        // Rules are looked at when everything that they are about is right.
        let defaults = defaults(parsed, path)
        return errors + (defaults.isEmpty ? RuleCheck.errors(in: parsed, path, isUnchanged: isUnchanged) : defaults)
    }

    /// Defaults must be values that the schema allows and doesn't prune.
    private static func defaults(_ schema: StructuralSchema, _ path: String) -> [FieldError] {
        var check = DefaultsCheck()
        check.visit(schema, path)
        return check.errors
    }

    private struct DefaultsCheck {
        private(set) var errors: [FieldError] = []
        /// What the rules may cost that all the defaults have to meet.
        private var left = CELBudget.perObject

        mutating func visit(_ schema: StructuralSchema, _ path: String) {
            guard left >= 0 else { return }
            if let value = schema.defaultValue { check(value, schema, path) }
            for name in schema.propertyNames {
                if let property = schema.properties[name] { visit(property, "\(path).properties[\(name)]") }
            }
            if let additional = schema.additionalSchema { visit(additional, "\(path).additionalProperties") }
            if let items = schema.items { visit(items, "\(path).items") }
        }

        private mutating func check(_ value: JSON, _ schema: StructuralSchema, _ path: String) {
            let wrong = schema.errors(in: value)
            report(wrong, path)
            var kept = value
            if !schema.isEmbeddedResource, !schema.prune(&kept).isEmpty {
                errors.append(.invalid("\(path).default", value, "must not have unknown fields"))
            }
            guard wrong.isEmpty, schema.hasRules else { return }
            // It must be right both in an object that has it already and in a new one.
            let same = schema.ruleOutcome(of: value, old: value, limit: left)
            report(same.errors, path)
            left = same.left
            guard same.errors.isEmpty else { return }
            let new = schema.ruleOutcome(of: value, old: nil, limit: left)
            report(new.errors, path)
            left = min(left, new.left)
        }

        private mutating func report(_ wrong: [FieldError], _ path: String) {
            for error in wrong {
                let below = error.path == "<nil>" ? "" : error.path.hasPrefix("[") ? error.path : ".\(error.path)"
                errors.append(FieldError(error.type, "\(path).default\(below)", error.badValue, error.detail))
            }
        }
    }

    static func scale(_ scale: JSON, _ path: String) -> [FieldError] {
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
            labelSelector(selector, "\(path).labelSelectorPath"),
        ].compactMap { $0 }
    }

    private static func labelSelector(_ text: String, _ path: String) -> FieldError? {
        if text.isEmpty { return nil }
        if SimplePath(text) == nil { return .invalid(path, .string(text), "must be a simple json path starting with .") }
        guard !text.hasPrefix(".spec."), !text.hasPrefix(".status.") else { return nil }
        return .invalid(path, .string(text), "should be a json path under either .spec or .status")
    }

    private static let columnTypes = ["integer", "number", "string", "boolean", "date"]
    private static let columnFormats: Set<String> = [
        "int32", "int64", "float", "double", "byte", "date", "date-time", "password",
    ]

    static func column(_ column: JSON, _ path: String) -> [FieldError] {
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
        // As upstream: whether it is more than a beginning shows when a table is made.
        if text("jsonPath").isEmpty {
            errors.append(.required("\(path).JSONPath", ""))
        } else if !text("jsonPath").hasPrefix(".") {
            errors.append(
                .invalid("\(path).JSONPath", .string(text("jsonPath")), "must be a simple json path starting with ."))
        }
        return errors
    }

    private static let maximumSelectable = 8

    /// - Parameter schema: the version's.
    static func selectableFields(_ fields: [JSON], in schema: JSON?, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let text = field["jsonPath"]?.string ?? ""
            let fieldPath = "\(path)[\(index)].jsonPath"
            guard !text.isEmpty else {
                errors.append(.required(fieldPath, ""))
                continue
            }
            guard let simple = SimplePath(text) else {
                let found = text.prefix { $0 != "." && $0 != "[" }
                errors.append(.invalid(fieldPath, .string(text), "is an invalid path: expected [ or . but got: \(found)"))
                continue
            }
            var below = schema
            for key in simple.keys { below = below?[path: "properties", key] }
            if below == nil {
                errors.append(.invalid(fieldPath, .string(text), "is an invalid path: does not refer to a valid field"))
            } else if simple.keys.first == "metadata" {
                errors.append(.invalid(fieldPath, .string(text), "must not point to fields in metadata"))
            } else if !["string", "integer", "boolean"].contains(below?["type"]?.string ?? "") {
                errors.append(
                    .invalid(
                        fieldPath, .string(text),
                        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
                    ))
            }
            if !seen.insert(text).inserted { errors.append(.duplicate(fieldPath, .string(text))) }
        }
        if fields.count > maximumSelectable {
            errors.append(.tooMany(path, fields.count, maximum: maximumSelectable))
        }
        return errors
    }
}

/// The parts that all versions of a definition have alike. Upstream keeps those once for all versions, and names them so in errors.
struct SharedVersionParts {
    private enum Part: CaseIterable {
        case schema, subresources, columns, selectableFields

        func value(in version: JSON) -> JSON? {
            switch self {
            case .schema: version["schema"]
            case .subresources: version["subresources"]
            case .columns: version["additionalPrinterColumns"]
            case .selectableFields: version["selectableFields"]
            }
        }

        /// Where the part stands in a version, or (without one) for all.
        func path(of version: String?) -> String {
            switch self {
            case .schema: version.map { "\($0).schema" } ?? "spec.validation"
            case .subresources: "\(version ?? "spec").subresources"
            case .columns: "\(version ?? "spec").additionalPrinterColumns"
            case .selectableFields: "\(version ?? "spec").selectableFields"
            }
        }
    }

    private let shared: Set<Part>
    /// The schemas that the versions had before, by the versions' names.
    private let before: [String: JSON]

    init(_ versions: [JSON], before: [JSON] = []) {
        self.before = Dictionary(
            before.compactMap { version in version["name"]?.string.map { ($0, version["schema"] ?? .null) } },
            uniquingKeysWith: { first, _ in first })
        shared = Set(
            Part.allCases.filter { part in
                guard let first = versions.first.flatMap({ part.value(in: $0) }) else { return false }
                return versions.allSatisfy { part.value(in: $0) == first }
            })
    }

    /// What is wrong with the parts that all share, told once.
    func errors(in version: JSON) -> [FieldError] {
        Part.allCases.filter(shared.contains).flatMap { errors(in: version, $0, path: $0.path(of: nil)) }
    }

    /// What is wrong with the parts of a version that others have otherwise.
    func errors(in version: JSON, ofItsOwn path: String) -> [FieldError] {
        Part.allCases.filter { !shared.contains($0) }.flatMap { errors(in: version, $0, path: $0.path(of: path)) }
    }

    private func errors(in version: JSON, _ part: Part, path: String) -> [FieldError] {
        let schema = version[path: "schema", "openAPIV3Schema"]
        switch part {
        case .schema:
            guard let schema, schema.object != nil else { return [] }
            return CustomResourceVersionRules.schema(
                schema, hasStatus: version[path: "subresources", "status"]?.object != nil,
                isUnchanged: version["name"]?.string.flatMap { before[$0] } == version["schema"],
                "\(path).openAPIV3Schema")
        case .subresources:
            guard let scale = version[path: "subresources", "scale"], scale.object != nil else { return [] }
            return CustomResourceVersionRules.scale(scale, "\(path).scale")
        case .columns:
            return (version["additionalPrinterColumns"]?.elements ?? []).enumerated().flatMap { index, column in
                CustomResourceVersionRules.column(column, "\(path)[\(index)]")
            }
        case .selectableFields:
            return CustomResourceVersionRules.selectableFields(version["selectableFields"]?.elements ?? [], in: schema, path)
        }
    }
}
