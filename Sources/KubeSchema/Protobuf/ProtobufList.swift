public import KubeObject

/// A list's document in parts, so that a long one needn't be in memory as a whole: what comes before its items, each item, and what
/// comes after. The envelope says in front how long the list is, so the sizes of all items have to be known first.
public struct ProtobufList: Sendable {
    private let apiVersion: String
    private let kind: String
    private let metadata: [UInt8]
    /// `PartialObjectMetadataList` of v1beta1 has its metadata last.
    private let isMetadataLast: Bool
    private let itemsNumber: Int
    private let item: TypeSchema
    /// The items are this type wrapped into `PartialObjectMetadata`.
    private let isPartial: Bool

    /// A list of whole objects.
    ///
    /// - Throws: `ProtobufError` when the kind has no type with field numbers.
    public init(apiVersion: String, listKind: String, metadata: JSON, schema: Schema) throws(ProtobufError) {
        guard let list = schema.type(forKind: GroupVersion(apiVersion: apiVersion).kind(listKind)),
            case let numbers = list.fields.reduce(into: [String: Field](), { $0[$1.jsonName] = $1 }),
            let items = numbers["items"], items.protoNumber > 0, let item = items.type.element?.object,
            let listMeta = numbers["metadata"], listMeta.protoNumber > 0, let listMetaType = listMeta.type.object
        else { throw ProtobufError("object \(apiVersion), Kind=\(listKind) has no protobuf form") }
        self.apiVersion = apiVersion
        self.kind = listKind
        self.itemsNumber = items.protoNumber
        self.item = item
        self.isPartial = false
        self.isMetadataLast = listMeta.protoNumber > items.protoNumber
        self.metadata = try Self.metadata(metadata, listMeta.protoNumber, listMetaType)
    }

    /// A list of objects' metadata, whatever their kinds.
    ///
    /// - Parameter version: of `meta.k8s.io`; `v1beta1` has other field numbers.
    public init(partialMetadata version: String, metadata: JSON, schema: Schema) throws(ProtobufError) {
        guard let objectMeta = schema.type(named: "\(Protobuf.metaPackage).ObjectMeta"),
            let listMeta = schema.type(named: "\(Protobuf.metaPackage).ListMeta")
        else { throw ProtobufError("the schema has no metadata") }
        let isBeta = version == "v1beta1"
        self.apiVersion = "meta.k8s.io/\(version)"
        self.kind = "PartialObjectMetadataList"
        self.itemsNumber = isBeta ? 1 : 2
        self.item = objectMeta
        self.isPartial = true
        self.isMetadataLast = isBeta
        self.metadata = try Self.metadata(metadata, isBeta ? 2 : 1, listMeta)
    }

    private static func metadata(_ tree: JSON, _ number: Int, _ type: TypeSchema) throws(ProtobufError) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.field(number, bytes: try Protobuf.encode(message: tree, type: type))
        return writer.bytes
    }

    /// Adds an item as it stands in the list, with its number and length. Nothing is added when this throws.
    public func append(_ tree: JSON, to bytes: inout [UInt8]) throws(ProtobufError) {
        let start = bytes.count
        var writer = ProtobufWriter(after: bytes)
        bytes = []
        defer { bytes = writer.bytes }
        do throws(ProtobufError) { try write(tree, to: &writer) } catch {
            writer.removeAll(from: start)
            throw error
        }
    }

    private func write(_ tree: JSON, to writer: inout ProtobufWriter) throws(ProtobufError) {
        try writer.field(self.itemsNumber) { writer throws(ProtobufError) in
            guard self.isPartial else { return try Protobuf.write(tree, self.item, to: &writer, depth: 0) }
            try writer.field(1) { writer throws(ProtobufError) in
                try Protobuf.write(tree["metadata"] ?? [:], self.item, to: &writer, depth: 1)
            }
        }
    }

    /// What the document begins with, whatever the items are.
    public var prelude: [UInt8] {
        var writer = ProtobufWriter()
        writer.field(1) { meta in
            meta.field(1, text: self.apiVersion)
            meta.field(2, text: self.kind)
        }
        return Protobuf.magic + writer.bytes
    }

    /// What comes between the prelude and the items, which are `size` bytes together.
    public func head(itemBytes size: Int) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.begin(2, length: size + self.metadata.count)
        return writer.bytes + (self.isMetadataLast ? [] : self.metadata)
    }

    /// What comes after the items.
    public var tail: [UInt8] {
        var writer = ProtobufWriter()
        writer.field(3, text: "")
        writer.field(4, text: "")
        return (self.isMetadataLast ? self.metadata : []) + writer.bytes
    }
}
