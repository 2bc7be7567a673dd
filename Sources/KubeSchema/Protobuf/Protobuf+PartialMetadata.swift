public import KubeObject

extension Protobuf {
    private static let metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1"

    /// `PartialObjectMetadata` and its list, of which the schema has no rows; nil for every other kind.
    /// The list's fields have other numbers in `v1beta1`.
    public static func encodePartialMetadata(_ tree: JSON, schema: Schema) throws(ProtobufError) -> [UInt8]? {
        guard let apiVersion = tree["apiVersion"]?.string, apiVersion.hasPrefix("meta.k8s.io/"), let kind = tree["kind"]?.string,
            let objectMeta = schema.type(named: "\(metaPackage).ObjectMeta"),
            let listMeta = schema.type(named: "\(metaPackage).ListMeta")
        else { return nil }
        switch kind {
        case "PartialObjectMetadata":
            return wrap(try partial(tree, objectMeta), apiVersion: apiVersion, kind: kind)
        case "PartialObjectMetadataList":
            let isBeta = apiVersion.hasSuffix("v1beta1")
            var writer = ProtobufWriter()
            let metadata = try encode(message: tree["metadata"] ?? [:], type: listMeta)
            if !isBeta { writer.field(1, bytes: metadata) }
            for item in tree["items"]?.elements ?? [] { writer.field(isBeta ? 1 : 2, bytes: try partial(item, objectMeta)) }
            if isBeta { writer.field(2, bytes: metadata) }
            return wrap(writer.bytes, apiVersion: apiVersion, kind: kind)
        default: return nil
        }
    }

    private static func partial(_ tree: JSON, _ objectMeta: TypeSchema) throws(ProtobufError) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.field(1, bytes: try encode(message: tree["metadata"] ?? [:], type: objectMeta))
        return writer.bytes
    }
}
