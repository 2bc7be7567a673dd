/// The API surface as text: one static string a package, in `Generated/`.
///
/// Text instead of Swift literals, because thousands of array elements take the compiler minutes and the program memory;
/// text is parsed in a few milliseconds on first use. A type's rows:
///
///     @core/v1 io.k8s.api.core.v1 v1     a package: its name in these rows, its OpenAPI prefix, its Go name
///     +Container [st=atomic]             a struct; its fields follow. st: +structType
///     ports 6 []core/v1.ContainerPort oO ps=merge pk=containerPort lt=map lk=containerPort,protocol
///     ^ 2 .VolumeSource                  an embedded struct, whose fields stand in the outer JSON object
///     =Protocol s [enum=TCP,UDP]         a named type that is no struct. A space in a value is `~`.
///                                        `message`: a message of its own in protobuf
///
/// A field's words: JSON name, protobuf number (0: none), type, flags (`o` omitempty, `z` omitzero, `O` +optional,
/// `R` +required, `-` none), then what there is of `ps` patchStrategy, `pk` patchMergeKey, `lt` +listType, `lk` +listMapKey,
/// `mt` +mapType, `st` +structType, `df` +default as JSON. Types: `s` string, `b` bool, `i` int32, `l` int64, `d` float64,
/// `y` bytes, `!quantity` and the like for types with a JSON form of their own, `[]T`, `{}T` (string keys), `*T`,
/// `package.Name`, `.Name` of the same package.
///
/// The REST facts' rows are told in `scripts/schema/rest.facts`.
enum SchemaText {}

/// Walks the lines and words of schema text without copying them.
struct TextLines: Sequence, IteratorProtocol {
    private var rest: Substring.UTF8View

    init(_ text: Substring) { rest = text.utf8 }

    mutating func next() -> Substring? {
        while !rest.isEmpty {
            let line: Substring.UTF8View
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line = rest[..<end]
                rest = rest[rest.index(after: end)...]
            } else {
                line = rest
                rest = rest[rest.endIndex...]
            }
            if !line.isEmpty, line.first != UInt8(ascii: "#") { return Substring(line) }
        }
        return nil
    }
}

extension StaticString {
    /// The text as a string; the bytes aren't copied when it is walked only.
    var string: String { withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
}

extension Substring {
    /// The words between single spaces.
    var words: [Substring] { utf8.split(separator: UInt8(ascii: " ")).map { Substring($0) } }
}
