import HTTPTypes
import KubeObject
import KubeSchema

/// Turns a request's body into a tree.
enum BodyDecoding {
    /// A body and what was wrong with its form without making it unreadable.
    struct Decoded: Sendable {
        var tree: JSON
        /// Names that stand twice in one object, as `spec.replicas`.
        var duplicates: [String] = []
    }

    /// - Parameter kind: the kind that the address asks for.
    /// - Throws: 400 for a body that isn't what its content type says, 415 for other codings.
    static func decode(
        _ bytes: [UInt8], contentType: String?, kind: GroupVersionKind, schema: Schema
    ) throws(StatusError) -> Decoded {
        switch MediaType(contentType ?? "").name {
        case "", "application/json", "*/*": return try self.json(bytes, kind.kind)
        case "application/yaml": return Decoded(tree: try self.yaml(bytes, kind.kind))
        case Protobuf.mediaType:
            do {
                return Decoded(tree: try Protobuf.decode(bytes, schema: schema, assuming: kind))
            } catch {
                throw .badRequest("the object provided is unrecognized (must be of type \(kind.kind)): \(error)")
            }
        case let other: throw .unsupportedMediaType(other, Representation.supported)
        }
    }

    private static func json(_ bytes: [UInt8], _ kind: String) throws(StatusError) -> Decoded {
        var duplicates: [String] = []
        do {
            let tree = try JSON.parse(bytes, duplicates: &duplicates)
            return Decoded(tree: tree, duplicates: duplicates)
        } catch {
            throw self.unreadable(kind, "json parse error: \(error)")
        }
    }

    private static func yaml(_ bytes: [UInt8], _ kind: String) throws(StatusError) -> JSON {
        do {
            guard let first = try YAML.parse(bytes).first else { throw ObjectError("unexpected end of YAML input") }
            return first
        } catch {
            throw self.unreadable(kind, "yaml: \(error)")
        }
    }

    private static func unreadable(_ kind: String, _ why: String) -> StatusError {
        .badRequest("the object provided is unrecognized (must be of type \(kind)): couldn't get version/kind; \(why)")
    }
}
