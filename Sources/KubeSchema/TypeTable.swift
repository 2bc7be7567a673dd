import KubeObject

/// All types of a schema, by their names in the rows, in OpenAPI, and by group, version and kind.
struct TypeTable: Sendable {
    /// A named type that is no struct.
    struct Alias: Sendable {
        var token: Substring
        var package: Package
        var enumValues: [String]
        var isProtobufMessage: Bool
    }

    struct Package: Sendable, Hashable {
        /// In the rows: `core/v1`.
        var name: Substring
        /// In OpenAPI: `io.k8s.api.core.v1`.
        var prefix: Substring
        /// In Go: `v1`.
        var goName: Substring
    }

    var packages: [Substring: Package] = [:]
    var structs: [String: TypeSchema] = [:]
    var aliases: [String: Alias] = [:]
    /// One instance for equal types.
    var valueTypes: [String: ValueType] = [:]
    /// Which package has the kinds of a group and version.
    var packageOfVersion: [GroupVersion: Substring] = [:]
    private var byName: [String: TypeSchema] = [:]

    mutating func insert(_ type: TypeSchema) {
        structs[type.rowName] = type
        byName[type.name] = type
    }

    func type(named name: String) -> TypeSchema? { byName[name] }

    func type(forKind kind: GroupVersionKind) -> TypeSchema? {
        if let package = packageOfVersion[kind.groupVersion], let found = structs["\(package).\(kind.kind)"] { return found }
        // Status, options and watch events belong to every version; they are told as `v1`.
        return structs["meta/v1.\(kind.kind)"]
    }
}
