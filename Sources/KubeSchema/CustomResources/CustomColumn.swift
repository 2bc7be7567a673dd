public import KubeObject

/// A printer column of a custom resource.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
public struct CustomColumn: Sendable {
    public let name: String
    let jsonPath: String
    /// `string`, `integer`, `number`, `boolean` or `date`.
    public let type: String
    public let format: String
    public let description: String
    /// Above 0: only shown by `-o wide`.
    public let priority: Int64
    /// Nil for a text that is no path: then there is never a value.
    let path: JSONPathColumn?

    init(_ json: JSON) {
        name = json["name"]?.string ?? ""
        type = json["type"]?.string ?? "string"
        format = json["format"]?.string ?? ""
        description = json["description"]?.string ?? ""
        priority = json["priority"]?.int ?? 0
        jsonPath = json["jsonPath"]?.string ?? ""
        do { path = try JSONPathColumn(jsonPath) } catch { path = nil }
    }

    /// What a version without columns of its own has, beside the name.
    static let standing: [CustomColumn] = [
        CustomColumn([
            "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
            "description": .string(
                FieldDocumentation.texts(of: [.init(package: "meta/v1", type: "ObjectMeta", field: "creationTimestamp")])[0] ?? ""
            ),
        ])
    ]

    /// An entry of a Table's `columnDefinitions`.
    public var definition: JSON {
        let text = description.isEmpty ? "Custom resource definition column (in JSONPath format): " + jsonPath : description
        return [
            "name": .string(name), "type": .string(type), "format": .string(format), "description": .string(text),
            "priority": .int(priority),
        ]
    }

    /// The cell of an object; null when it has no value of the column's type.
    ///
    /// - Parameter age: makes the text for a `date` out of its RFC 3339 form: `5d`.
    public func cell(of object: JSON, age: (String) -> String) -> JSON {
        guard let value = path?.values(in: object).first, !value.isNull else { return .null }
        switch type {
        case "integer":
            if let whole = value.int { return .int(whole) }
            return value.double.flatMap { Int64(exactly: $0.rounded(.towardZero)) }.map { .int($0) } ?? .null
        case "number": return value.double == nil ? .null : value
        case "boolean": return value.bool.map { .bool($0) } ?? .null
        case "date": return value.string.map { .string(age($0)) } ?? .null
        default: return .string(value.string ?? value.text)
        }
    }
}
