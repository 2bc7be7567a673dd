public import KubeObject

/// A value that an expression made by naming a type: a part of an object that a mutating policy applies, or an operation of a patch.
public struct CELConstructed: CELOpaque {
    /// `Object`, `Object.spec`, ..., or `JSONPatch`.
    public let typeName: String
    public let fields: [(field: String, value: CELValue)]

    public func member(_ name: String) throws(CELError) -> CELValue? { fields.last { $0.field == name }?.value }

    public func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue { throw .noOverload(function) }

    /// The fields as an object; nil when one has no JSON form.
    public var jsonValue: JSON? {
        var object = JSONObject()
        for (field, value) in fields {
            guard let json = value.jsonValue else { return nil }
            object[field] = json
        }
        return .object(object)
    }

    /// Whether the types of everything inside are named after the fields that lead there.
    ///
    /// - Throws: `CELError` that tells the first one that isn't.
    public func checkTypeNames() throws(CELError) { try Self.check(.opaque(self), expected: typeName) }

    private static func check(_ value: CELValue, expected: String) throws(CELError) {
        if case .opaque(let opaque) = value, let object = opaque as? CELConstructed {
            guard object.typeName == expected else {
                throw CELError(
                    "unexpected type name \(JSON.string(object.typeName).text), expected \(JSON.string(expected).text), "
                        + "which matches field name path from root Object type")
            }
            for (field, value) in object.fields { try check(value, expected: "\(expected).\(field)") }
        } else if case .list(let elements) = value {
            for element in elements { try check(element, expected: expected) }
        } else if case .map(let entries) = value {
            for entry in entries { try check(entry.value, expected: expected) }
        }
    }
}
