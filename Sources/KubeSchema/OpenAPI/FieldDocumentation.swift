/// What upstream documents about single fields of the built-in types.
public enum FieldDocumentation {
    /// A field of a type, named as the rows do: `core/v1`, `PodStatus`, `podIP`.
    public struct Field: Sendable, Hashable {
        public var package: String
        public var type: String
        public var field: String

        public init(package: String, type: String, field: String) {
            self.package = package
            self.type = type
            self.field = field
        }
    }

    /// The fields' texts, in their order; nil for what isn't documented. All texts of the packages are read for it.
    public static func texts(of fields: [Field]) -> [String?] {
        let documentation = Documentation(packages: Set(fields.map { Substring($0.package) }), added: [])
        return fields.map { documentation.text(Substring($0.package), Substring($0.type), Substring($0.field)) }
    }
}
