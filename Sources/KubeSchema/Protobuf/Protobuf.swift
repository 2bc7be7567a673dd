public import KubeObject

/// `application/vnd.kubernetes.protobuf`: objects in the form that client-go prefers.
///
/// A document is the four bytes `k8s\0` and an envelope (`runtime.Unknown`) that names the object's version and kind and holds its
/// message. Field numbers come from the schema's rows; what upstream's generated code would write, this writes byte for byte.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
public enum Protobuf {
    public static let mediaType = "application/vnd.kubernetes.protobuf"

    static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    /// How deeply messages may nest: the type for JSON schemas refers to itself.
    static let maximumDepth = 128

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - schema: where the kind's type is found.
    ///   - assumed: the kind of a document that doesn't say its own.
    /// - Throws: `ProtobufError` when the bytes are wrong or the kind has no type with field numbers.
    public static func decode(
        _ document: [UInt8], schema: Schema, assuming assumed: GroupVersionKind? = nil
    ) throws(ProtobufError) -> JSON {
        guard document.starts(with: magic) else {
            throw ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
        }
        let envelope = try Envelope(document)
        guard envelope.contentEncoding.isEmpty else {
            throw ProtobufError("unable to decode content encoding \"\(envelope.contentEncoding)\"")
        }
        if envelope.contentType == "application/json" {
            do { return try JSON(parsing: envelope.raw) } catch { throw ProtobufError(error.description) }
        }
        var kind = GroupVersion(apiVersion: envelope.apiVersion).kind(envelope.kind)
        if envelope.kind.isEmpty, let assumed { kind = assumed }
        guard let type = schema.type(forKind: kind) else {
            throw ProtobufError("no kind \"\(kind.kind)\" is registered for version \"\(kind.apiVersion)\"")
        }
        var tree = try decode(message: envelope.raw, type: type)
        if !kind.kind.isEmpty {
            tree["apiVersion"] = .string(kind.apiVersion)
            tree["kind"] = .string(kind.kind)
        }
        return tree
    }

    /// Writes a document. The tree's `apiVersion` and `kind` go into the envelope.
    ///
    /// - Throws: `ProtobufError` when the kind has no type with field numbers, or a value isn't of its field's type.
    public static func encode(_ tree: JSON, schema: Schema) throws(ProtobufError) -> [UInt8] {
        let apiVersion = tree["apiVersion"]?.string ?? ""
        let kind = tree["kind"]?.string ?? ""
        guard let type = schema.type(forKind: GroupVersion(apiVersion: apiVersion).kind(kind)), canEncode(type) else {
            throw ProtobufError("object \(apiVersion), Kind=\(kind) has no protobuf form")
        }
        return wrap(try encode(message: tree, type: type), apiVersion: apiVersion, kind: kind)
    }

    /// Puts a message into an envelope.
    public static func wrap(_ message: [UInt8], apiVersion: String, kind: String) -> [UInt8] {
        var document: [UInt8] = []
        document.reserveCapacity(message.count + 64)
        document += magic
        var writer = ProtobufWriter(after: document)
        writer.field(1) { meta in
            meta.field(1, text: apiVersion)
            meta.field(2, text: kind)
        }
        writer.field(2, bytes: message)
        writer.field(3, text: "")
        writer.field(4, text: "")
        return writer.bytes
    }

    /// How many bytes of length come before an event of a watch.
    public static let watchFrameHeaderSize = 4

    /// One event of a watch with its frame: four bytes of length, then a bare `WatchEvent` whose object is a document of its own.
    public static func watchFrame(type: String, document: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.field(1, text: type)
        writer.field(2) { object in object.field(1, bytes: document) }
        let length = UInt32(writer.bytes.count)
        return [
            UInt8(truncatingIfNeeded: length >> 24), UInt8(truncatingIfNeeded: length >> 16),
            UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
        ] + writer.bytes
    }

    /// Whether objects of a type have a protobuf form: custom resources have none.
    public static func canEncode(_ type: TypeSchema) -> Bool {
        type.members.contains { member in
            switch member {
            case .field(let index): type.fields[index].protoNumber > 0
            case .embedded(_, let number): number > 0
            }
        }
    }
}

extension Protobuf {
    /// `runtime.Unknown`.
    struct Envelope {
        var apiVersion = ""
        var kind = ""
        var raw: [UInt8] = []
        var contentEncoding = ""
        var contentType = ""

        init(_ document: [UInt8]) throws(ProtobufError) {
            var found = (apiVersion: "", kind: "", raw: [UInt8](), contentEncoding: "", contentType: "")
            let result = document.withUnsafeBytes { bytes -> Result<Void, ProtobufError> in
                do throws(ProtobufError) {
                    var reader = ProtobufReader(UnsafeRawBufferPointer(rebasing: bytes[Protobuf.magic.count...]))
                    while let (number, value) = try reader.next() {
                        guard case .bytes(let content) = value else { continue }
                        switch number {
                        case 1:
                            var meta = ProtobufReader(content)
                            while let (number, value) = try meta.next() {
                                guard case .bytes(let text) = value else { continue }
                                if number == 1 { found.apiVersion = String(decoding: text, as: UTF8.self) }
                                if number == 2 { found.kind = String(decoding: text, as: UTF8.self) }
                            }
                        case 2: found.raw = Array(content)
                        case 3: found.contentEncoding = String(decoding: content, as: UTF8.self)
                        case 4: found.contentType = String(decoding: content, as: UTF8.self)
                        default: break
                        }
                    }
                    return .success(())
                } catch { return .failure(error) }
            }
            try result.get()
            (apiVersion, kind, raw, contentEncoding, contentType) = found
        }
    }
}
