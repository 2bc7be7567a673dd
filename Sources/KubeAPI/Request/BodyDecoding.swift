import HTTPTypes
import KubeObject
import KubeSchema

/// Turns a request's body into a tree.
enum BodyDecoding {
    /// A body and what was wrong with its form without making it unreadable.
    struct Decoded: Sendable {
        var tree: JSON
        /// One for each name that stands twice in one object.
        var complaints: BodyComplaints = []
        /// The same in one text, as a body in YAML is refused with; empty for others.
        var refusal = ""
    }

    /// - Parameter kind: the kind that the address asks for.
    /// - Throws: 400 for a body that isn't what its content type says, 415 for other codings.
    static func decode(
        _ bytes: [UInt8], contentType: String?, kind: GroupVersionKind, schema: Schema
    ) throws(StatusError) -> Decoded {
        switch MediaType(contentType ?? "").name {
        case "", "application/json", "*/*": return try self.json(bytes, kind.kind)
        case "application/yaml": return try self.yaml(bytes, kind.kind)
        case Protobuf.mediaType:
            do {
                return Decoded(tree: try Protobuf.decode(bytes, schema: schema, assuming: kind))
            } catch {
                throw self.unreadable(kind.kind, "\(error)", bytes)
            }
        case let other: throw .unsupportedMediaType(other, Representation.supported)
        }
    }

    /// Custom objects must say what they are; of others it is clear.
    ///
    /// - Throws: 400.
    static func requireKind(_ decoded: Decoded, _ bytes: [UInt8], contentType: String?, _ kind: String) throws(StatusError) {
        guard decoded.tree["kind"]?.string?.isEmpty ?? true else { return }
        let isYAML = MediaType(contentType ?? "").name == "application/yaml"
        let text = isYAML ? decoded.tree.text : String(decoding: bytes, as: UTF8.self)
        throw self.unreadable(kind, "Object 'Kind' is missing in '\(text.prefix(10_000))'", bytes)
    }

    private static func json(_ bytes: [UInt8], _ kind: String) throws(StatusError) -> Decoded {
        var duplicates: [String] = []
        let tree: JSON
        do {
            tree = try JSON.parse(bytes, duplicates: &duplicates)
        } catch {
            throw self.unreadable(kind, "couldn't get version/kind; json parse error: \(error)", bytes)
        }
        return Decoded(
            tree: try self.object(tree, kind, bytes), complaints: BodyComplaints(duplicates: duplicates, text: bytes))
    }

    private static func yaml(_ bytes: [UInt8], _ kind: String) throws(StatusError) -> Decoded {
        var repeated: [YAML.RepeatedKey] = []
        let tree: JSON
        do {
            tree = try YAML.parse(bytes, repeated: &repeated).first ?? .null
        } catch {
            throw self.unreadable(kind, String(error.description.trimmingPrefix("error converting YAML to JSON: ")), bytes)
        }
        return Decoded(
            tree: try self.object(tree, kind, bytes), complaints: BodyComplaints(texts: repeated.map(\.description)),
            refusal: self.refusal(repeated))
    }

    /// How upstream tells of keys that stand twice when it refuses them.
    static func refusal(_ repeated: [YAML.RepeatedKey]) -> String {
        repeated.isEmpty ? "" : "yaml: unmarshal errors:" + repeated.map { "\n  \($0)" }.joined()
    }

    private static func object(_ tree: JSON, _ kind: String, _ bytes: [UInt8]) throws(StatusError) -> JSON {
        if tree.isNull { return [:] }
        guard tree.object == nil else { return tree }
        throw self.unreadable(
            kind,
            "couldn't get version/kind; json parse error: json: cannot unmarshal \(tree.typeName) into Go value of type struct "
                + #"{ APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#, bytes)
    }

    private static func unreadable(_ kind: String, _ why: String, _ bytes: [UInt8]) -> StatusError {
        // Options are decoded without a word on what they should have been.
        if kind == "DeleteOptions" { return .badRequest(why) }
        return .badRequest("the object provided is unrecognized (must be of type \(kind)): \(why) (\(self.summary(bytes)))")
    }

    /// The beginning of a body, as text when it looks like JSON.
    private static func summary(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "<empty>" }
        let start = bytes.prefix(30)
        let shown =
            start.first == UInt8(ascii: "{")
            ? String(decoding: start, as: UTF8.self)
            : start.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return bytes.count > 30 ? "\(shown) ..." : shown
    }
}
