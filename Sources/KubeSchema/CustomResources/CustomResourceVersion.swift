public import KubeObject

/// One version of a custom resource: everything that a server does with its objects. Immutable.
///
/// The version's `TypeSchema` refers to it, so that decoding, defaulting, applying and publishing work as for built-in types.
public final class CustomResourceVersion: Sendable {
    public let kind: GroupVersionKind
    public let name: String
    public let isServed: Bool
    public let isStorage: Bool
    /// Of a version without a schema: one that keeps everything.
    public let schema: StructuralSchema
    public let hasStatus: Bool
    public let scale: ScalePaths?
    /// What clients are warned with; nil when the version isn't deprecated.
    public let deprecationWarning: String?
    public let columns: [CustomColumn]
    /// The paths that field selectors may name, beside `metadata.name` and `metadata.namespace`: `spec.color`.
    public let selectableFields: [SimplePath]

    init(_ json: JSON, kind: GroupVersionKind) throws(SchemaError) {
        self.kind = kind
        name = json["name"]?.string ?? ""
        isServed = json["served"]?.bool ?? false
        isStorage = json["storage"]?.bool ?? false
        let given = json[path: "schema", "openAPIV3Schema"]
        schema = try StructuralSchema(given ?? ["type": "object", "x-kubernetes-preserve-unknown-fields": true])
        hasStatus = json[path: "subresources", "status"]?.object != nil
        scale = json[path: "subresources", "scale"].flatMap { ScalePaths($0) }
        let standing = "\(kind.apiVersion) \(kind.kind) is deprecated"
        deprecationWarning = json["deprecated"]?.bool == true ? json["deprecationWarning"]?.string ?? standing : nil
        let columns = json["additionalPrinterColumns"]?.elements ?? []
        self.columns = columns.isEmpty ? CustomColumn.standing : columns.map { CustomColumn($0) }
        selectableFields = (json["selectableFields"]?.elements ?? []).compactMap { SimplePath($0["jsonPath"]?.string ?? "") }
    }

    /// What is wrong with an object, and what it is warned about: values first, and rules when the values are good enough to be looked at.
    ///
    /// - Parameters:
    ///   - old: the object before, on an update.
    ///   - known: what is wrong with it already: some of that keeps rules from being looked at.
    ///   - isStatus: only the status is new, and told of as upstream does: by paths below it.
    public func validate(
        _ object: JSON, old: JSON? = nil, known: [FieldError] = [], isStatus: Bool = false
    ) -> StructuralSchema.RuleOutcome {
        var outcome = StructuralSchema.RuleOutcome()
        outcome.errors = isStatus ? statusErrors(object, old: old) : schema.errors(in: object, old: old)
        outcome.errors += scale?.errors(in: object) ?? []
        let isBlocked = (known + outcome.errors).contains { error in
            switch error.type {
            case .notSupported, .required, .tooLong, .tooMany, .typeInvalid: true
            default: false
            }
        }
        if isBlocked {
            guard schema.hasRules else { return outcome }
            let why =
                "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
            outcome.errors.append(.invalid("<nil>", .null, why))
            return outcome
        }
        let rules = schema.ruleOutcome(of: object, old: old)
        outcome.errors += rules.errors
        outcome.warnings = rules.warnings
        return outcome
    }

    private func statusErrors(_ object: JSON, old: JSON?) -> [FieldError] {
        guard let status = schema.properties["status"], let value = object["status"] else { return [] }
        return status.errors(in: value, old: old?["status"]).map { error in
            var error = error
            error.path = error.path == "<nil>" ? "status" : "status.\(error.path)"
            return error
        }
    }

    /// What field selectors see of an object.
    public func fields(of object: JSON) -> [String: String] {
        var fields: [String: String] = [:]
        for path in selectableFields {
            switch path.value(in: object) {
            case .string(let text)?: fields[path.text] = text
            case .bool(let value)?: fields[path.text] = value ? "true" : "false"
            case .int(let value)?: fields[path.text] = String(value)
            default: fields[path.text] = ""
            }
        }
        return fields
    }
}

/// A path of names with dots, as scales and selectable fields have: `.spec.replicas`.
public struct SimplePath: Sendable, Hashable {
    public let keys: [String]

    /// Nil when the text doesn't start with a dot, or a name is empty.
    public init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: ".") else { return nil }
        keys = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard keys.allSatisfy({ !$0.isEmpty && !$0.contains("[") }) else { return nil }
    }

    /// Without the first dot: `spec.replicas`.
    public var text: String { keys.joined(separator: ".") }

    public func value(in object: JSON) -> JSON? { object[keys: keys[...]] }
}
