public import KubeObject

/// What is known of one field of an object.
public struct Field: Sendable {
    public enum ListType: String, Sendable { case atomic, set, map }

    public var jsonName: String
    /// The field's number in protobuf; 0 when it has none.
    public var protoNumber: Int
    public var type: ValueType
    /// Left out of JSON when it has the zero value (never for a struct that isn't a pointer: Go's rule).
    public var isOmitEmpty: Bool
    /// Left out of JSON when it is the zero value, structs too.
    public var isOmitZero: Bool
    /// Marked `+optional`.
    public var isMarkedOptional: Bool
    /// Marked `+required`.
    public var isMarkedRequired: Bool
    /// Nothing in the less used half is set for most fields, so it is kept apart.
    var rare: Rare?

    final class Rare: Sendable {
        let patchStrategies: [String]
        let patchMergeKey: String
        let listType: ListType?
        let listMapKeys: [String]
        let mapType: String
        let structType: String
        let defaultValue: JSON?

        init(
            patchStrategies: [String], patchMergeKey: String, listType: ListType?, listMapKeys: [String], mapType: String,
            structType: String, defaultValue: JSON?
        ) {
            self.patchStrategies = patchStrategies
            self.patchMergeKey = patchMergeKey
            self.listType = listType
            self.listMapKeys = listMapKeys
            self.mapType = mapType
            self.structType = structType
            self.defaultValue = defaultValue
        }
    }

    /// As published in OpenAPI: neither optional by its comment nor left out when empty.
    public var isRequired: Bool { isMarkedRequired || !(isMarkedOptional || isOmitEmpty || isOmitZero) }
    /// `merge`, `replace`, `retainKeys`; empty: `replace` for lists, `merge` for objects.
    public var patchStrategies: [String] { rare?.patchStrategies ?? [] }
    /// The key that strategic merge finds a list's elements by; empty when there is none.
    public var patchMergeKey: String { rare?.patchMergeKey ?? "" }
    public var listType: ListType? { rare?.listType }
    /// The keys that server-side apply finds a list's elements by.
    public var listMapKeys: [String] { rare?.listMapKeys ?? [] }
    /// `atomic` or `granular`; empty when not marked.
    public var mapType: String { rare?.mapType ?? "" }
    /// `atomic` or `granular`; empty when not marked.
    public var structType: String { rare?.structType ?? "" }
    /// The declared default. Most defaults of Kubernetes are code and stand in the registry, not here.
    public var defaultValue: JSON? { rare?.defaultValue }
    public var enumValues: [String] { type.enumValues }
}
