public import KubeObject

extension Protobuf {
    static let metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1"

    /// `PartialObjectMetadata`, of which the schema has no rows; nil for every other kind.
    public static func encodePartialMetadata(_ tree: JSON, schema: Schema) throws(ProtobufError) -> [UInt8]? {
        guard let apiVersion = tree["apiVersion"]?.string, apiVersion.hasPrefix("meta.k8s.io/"), let kind = tree["kind"]?.string,
            kind == "PartialObjectMetadata", let objectMeta = schema.type(named: "\(metaPackage).ObjectMeta")
        else { return nil }
        var writer = ProtobufWriter()
        writer.field(1, bytes: try encode(message: tree["metadata"] ?? [:], type: objectMeta))
        return wrap(writer.bytes, apiVersion: apiVersion, kind: kind)
    }
}
