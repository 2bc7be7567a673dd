public import KubeObject

/// The schema of a custom resource's version, or of a part of it, parsed for validating, defaulting and pruning.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
public final class StructuralSchema: Sendable {
    /// What may stand beside the named properties.
    public enum AdditionalProperties: Sendable {
        case unspecified
        case allowed(Bool)
        case schema(StructuralSchema)
    }

    /// Schemas may nest this deep; walks of schemas and objects recurse as deep.
    public static let maximumDepth = 100

    /// What all patterns of a schema may take, in instructions of their programs: a short pattern may have a long program.
    static let maximumPatterns = 200_000

    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty.
    public let type: String
    public let isNullable: Bool
    public let isIntOrString: Bool
    public let isEmbeddedResource: Bool
    public let preservesUnknownFields: Bool
    public let defaultValue: JSON?
    public let properties: [String: StructuralSchema]
    public let additionalProperties: AdditionalProperties
    public let items: StructuralSchema?
    public let required: [String]
    /// `atomic`, `set`, `map`, or empty.
    public let listType: String
    public let listMapKeys: [String]
    /// `atomic`, `granular`, or empty.
    public let mapType: String
    public let rules: [ValidationRule]
    public let limits: ValueLimits
    public let allOf: [StructuralSchema]
    public let anyOf: [StructuralSchema]
    public let oneOf: [StructuralSchema]
    public let not: StructuralSchema?
    /// As it was written.
    public let source: JSON

    /// Whether a value below has another form in CEL than its JSON.
    let differsInCEL: Bool
    /// Whether a string below is bytes or a time in CEL.
    let hasFormatsOfCEL: Bool
    /// Whether there are embedded resources below.
    let embedsResources: Bool
    /// Whether there are rules here or below.
    let hasRules: Bool
    /// The property names in the order of their bytes.
    let propertyNames: [String]

    /// - Parameter json: `openAPIV3Schema` of a version. What isn't understood is left out: `StructuralCheck` tells of it.
    /// - Throws: `SchemaError` when it is nested too deep, or its patterns are too large together.
    public convenience init(_ json: JSON) throws(SchemaError) {
        var patterns = Self.maximumPatterns
        try self.init(json, depth: 0, &patterns)
    }

    private init(_ json: JSON, depth: Int, _ patterns: inout Int) throws(SchemaError) {
        guard depth < Self.maximumDepth else { throw SchemaError("the schema is nested deeper than \(Self.maximumDepth) levels") }
        func schema(_ json: JSON?) throws(SchemaError) -> StructuralSchema? {
            guard let json, json.object != nil else { return nil }
            return try StructuralSchema(json, depth: depth + 1, &patterns)
        }
        func schemas(_ key: String) throws(SchemaError) -> [StructuralSchema] {
            var list: [StructuralSchema] = []
            for element in json[key]?.elements ?? [] { if let made = try schema(element) { list.append(made) } }
            return list
        }
        source = json
        type = json["type"]?.string ?? ""
        isNullable = json["nullable"]?.bool ?? false
        isIntOrString = json["x-kubernetes-int-or-string"]?.bool ?? false
        isEmbeddedResource = json["x-kubernetes-embedded-resource"]?.bool ?? false
        preservesUnknownFields = json["x-kubernetes-preserve-unknown-fields"]?.bool ?? false
        let given = json["default"]
        defaultValue = given == .null ? nil : given
        var properties: [String: StructuralSchema] = [:]
        for (name, property) in json["properties"]?.object ?? [:] { properties[name] = try schema(property) }
        self.properties = properties
        propertyNames = properties.keys.sorted(by: precedes)
        switch json["additionalProperties"] {
        case .bool(let allowed)?: additionalProperties = .allowed(allowed)
        case let value?: additionalProperties = try schema(value).map { .schema($0) } ?? .unspecified
        case nil: additionalProperties = .unspecified
        }
        items = try schema(json["items"])
        required = json["required"]?.strings ?? []
        listType = json["x-kubernetes-list-type"]?.string ?? ""
        listMapKeys = json["x-kubernetes-list-map-keys"]?.strings ?? []
        mapType = json["x-kubernetes-map-type"]?.string ?? ""
        rules = (json["x-kubernetes-validations"]?.elements ?? []).map { ValidationRule($0) }
        limits = ValueLimits(json)
        patterns -= limits.regex?.program.count ?? 0
        guard patterns >= 0 else { throw SchemaError("the patterns of the schema are too large together") }
        allOf = try schemas("allOf")
        anyOf = try schemas("anyOf")
        oneOf = try schemas("oneOf")
        not = try schema(json["not"])
        var below = Array(properties.values) + (items.map { [$0] } ?? [])
        if case .schema(let additional) = additionalProperties { below.append(additional) }
        hasFormatsOfCEL =
            type == "string" && StructuralSchema.formatsOfCEL.contains(limits.format) || below.contains { $0.hasFormatsOfCEL }
        differsInCEL = type == "number" || hasFormatsOfCEL || below.contains { $0.differsInCEL }
        embedsResources = below.contains { $0.isEmbeddedResource || $0.embedsResources }
        hasRules = !rules.isEmpty || below.contains { $0.hasRules }
    }

    private static let formatsOfCEL: Set<String> = ["byte", "date", "date-time", "duration"]

    /// The schema of a key's value that no property names; nil when there is none.
    var additionalSchema: StructuralSchema? {
        if case .schema(let schema) = additionalProperties { schema } else { nil }
    }

    /// The types that a value may have; none is any.
    var allowedTypes: [String] { isIntOrString ? ["integer", "string"] : type.isEmpty ? [] : [type] }
}

/// What a schema says about single values.
public struct ValueLimits: Sendable {
    public let format: String
    public let maximum: JSON?
    public let minimum: JSON?
    public let isMaximumExclusive: Bool
    public let isMinimumExclusive: Bool
    public let multipleOf: JSON?
    public let maxLength: Int64?
    public let minLength: Int64?
    public let maxItems: Int64?
    public let minItems: Int64?
    public let maxProperties: Int64?
    public let minProperties: Int64?
    public let pattern: String
    /// Nil without a pattern, or with one that isn't understood.
    let regex: LinearRegex?
    /// The allowed values; nil for any.
    public let allowed: [JSON]?

    init(_ json: JSON) {
        func number(_ key: String) -> JSON? { json[key].flatMap { $0.double == nil ? nil : $0 } }
        format = json["format"]?.string ?? ""
        maximum = number("maximum")
        minimum = number("minimum")
        isMaximumExclusive = json["exclusiveMaximum"]?.bool ?? false
        isMinimumExclusive = json["exclusiveMinimum"]?.bool ?? false
        multipleOf = number("multipleOf")
        maxLength = json["maxLength"]?.int
        minLength = json["minLength"]?.int
        maxItems = json["maxItems"]?.int
        minItems = json["minItems"]?.int
        maxProperties = json["maxProperties"]?.int
        minProperties = json["minProperties"]?.int
        pattern = json["pattern"]?.string ?? ""
        // A pattern that can't be read is refused when the definition is written (`StructuralCheck`).
        regex = pattern.isEmpty ? nil : ValueLimits.compile(pattern)
        let values = json["enum"]?.array
        allowed = values?.isEmpty == false ? values : nil
    }

    private static func compile(_ pattern: String) -> LinearRegex? {
        do { return try LinearRegex(pattern) } catch { return nil }
    }
}
