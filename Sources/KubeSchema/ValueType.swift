/// The type of a field's value, of a list's elements or of a map's values. Equal types of one schema are one instance.
///
/// `@unchecked Sendable`: `object`, `element` and `kind` are only written while the schema is being made, before any other
/// thread can see it.
public final class ValueType: @unchecked Sendable {
    public enum Kind: Sendable, Hashable {
        case bool, int32, int64, double, string
        /// Base64 in JSON.
        case bytes
        /// A decimal number with a suffix, such as `100m` or `1Gi`.
        case quantity
        /// RFC 3339 with seconds; null when there is none.
        case time
        /// RFC 3339 with microseconds.
        case microTime
        /// Go's text form, such as `1h30m`.
        case duration
        case intOrString
        /// Any object, of a kind that isn't known here.
        case rawExtension
        /// Any value.
        case anyJSON
        /// The field set of a managed fields entry: any object.
        case fieldsV1
        /// A JSON schema, or a truth value, a list of schemas, or a list of strings in its place.
        case schemaOrBool, schemaOrArray, schemaOrStrings
        case object, list, map
    }

    public internal(set) var kind: Kind
    /// As Go prints the type in messages: `int32`, `v1.Protocol`, `[]v1.Container`, `map[string]string`.
    public internal(set) var goName: String
    /// Whether "not set" and the zero value differ.
    public let isPointer: Bool
    /// The fields, when `kind` is `object` (and of the object form of `schemaOrBool` and the like).
    public internal(set) var object: TypeSchema?
    /// The type of elements or values, when `kind` is `list` or `map`.
    public internal(set) var element: ValueType?
    /// The values that are allowed, when the type is marked `+enum`; otherwise empty.
    public internal(set) var enumValues: [String] = []
    /// A named type that is a message of its own in protobuf although it is a list (`ExtraValue`, `Verbs`).
    public internal(set) var isProtobufMessage = false

    public init(
        _ kind: Kind, goName: String = "", isPointer: Bool = false, object: TypeSchema? = nil, element: ValueType? = nil,
        enumValues: [String] = []
    ) {
        self.kind = kind
        self.goName = goName
        self.isPointer = isPointer
        self.object = object
        self.element = element
        self.enumValues = enumValues
    }
}
