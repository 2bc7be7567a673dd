import KubeObject

/// OpenAPI version 2 as protobuf (gnostic's `openapi.v2.Document`), the only form in which kubectl asks for it.
///
/// Says everything that clients read: definitions, paths, operations, their parameters and answers, and all extensions.
/// Source: https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto
enum OpenAPIV2Protobuf {
    private indirect enum Kind {
        case text, texts, truth, integer, number
        /// Any JSON, told as YAML.
        case any, anys
        case message(Shape)
        /// Repeated pairs of a path and what can be done there.
        case paths
        case typeNames
        /// What holds schemas is told apart, because a shape can't hold itself.
        case schema, schemaOrTruth, items, schemas, properties
        case parameters, responses
    }

    private struct Shape {
        var fields: [(name: String, number: Int, kind: Kind)]
        /// The field of what begins with `x-`.
        var extensions: Int
    }

    /// - Parameter document: the same document as JSON.
    static func encode(_ document: JSON) -> [UInt8] {
        var writer = ProtobufWriter()
        write(document, root, to: &writer)
        return writer.bytes
    }

    private static let root = Shape(
        fields: [
            ("swagger", 1, .text),
            ("info", 2, .message(Shape(fields: [("title", 1, .text), ("version", 2, .text)], extensions: 7))),
            ("paths", 8, .paths), ("definitions", 9, .properties),
        ], extensions: 16)

    private static let path = Shape(
        fields: [
            ("get", 2, .message(operation)), ("put", 3, .message(operation)), ("post", 4, .message(operation)),
            ("delete", 5, .message(operation)), ("options", 6, .message(operation)), ("head", 7, .message(operation)),
            ("patch", 8, .message(operation)), ("parameters", 9, .parameters),
        ], extensions: 10)

    private static let operation = Shape(
        fields: [
            ("tags", 1, .texts), ("summary", 2, .text), ("description", 3, .text), ("operationId", 5, .text),
            ("produces", 6, .texts),
            ("consumes", 7, .texts), ("parameters", 8, .parameters), ("responses", 9, .responses), ("schemes", 10, .texts),
        ], extensions: 13)

    private static let bodyParameter = Shape(
        fields: [
            ("description", 1, .text), ("name", 2, .text), ("in", 3, .text), ("required", 4, .truth),
            ("schema", 5, .schema),
        ], extensions: 6)

    /// Query parameters have one field more than path and header parameters, in the middle.
    private static func parameter(isQuery: Bool) -> Shape {
        let offset = isQuery ? 1 : 0
        return Shape(
            fields: [
                ("required", 1, .truth), ("in", 2, .text), ("description", 3, .text), ("name", 4, .text),
                ("type", 5 + offset, .text),
                ("format", 6 + offset, .text), ("uniqueItems", 19 + offset, .truth),
            ], extensions: 22 + offset)
    }

    private static let pathParameter = parameter(isQuery: false)
    private static let queryParameter = parameter(isQuery: true)

    private static let schema = Shape(
        fields: [
            ("$ref", 1, .text), ("format", 2, .text), ("title", 3, .text), ("description", 4, .text), ("default", 5, .any),
            ("multipleOf", 6, .number), ("maximum", 7, .number), ("exclusiveMaximum", 8, .truth), ("minimum", 9, .number),
            ("exclusiveMinimum", 10, .truth), ("maxLength", 11, .integer), ("minLength", 12, .integer), ("pattern", 13, .text),
            ("maxItems", 14, .integer), ("minItems", 15, .integer), ("uniqueItems", 16, .truth), ("maxProperties", 17, .integer),
            ("minProperties", 18, .integer), ("required", 19, .texts), ("enum", 20, .anys),
            ("additionalProperties", 21, .schemaOrTruth),
            ("type", 22, .typeNames), ("items", 23, .items), ("allOf", 24, .schemas), ("properties", 25, .properties),
        ], extensions: 31)

    private static func write(_ value: JSON, _ shape: Shape, to writer: inout ProtobufWriter) {
        for (name, number, kind) in shape.fields {
            if let field = value[name] { write(field, kind, number, to: &writer) }
        }
        for (name, extra) in value.object ?? [:] where name.hasPrefix("x-") {
            writer.field(shape.extensions) { pair in
                pair.field(1, bytes: name.utf8)
                pair.field(2) { any in any.field(2, bytes: extra.encoded() + [0x0A]) }
            }
        }
    }

    private static func write(_ value: JSON, _ kind: Kind, _ number: Int, to writer: inout ProtobufWriter) {
        switch kind {
        case .text: writer.field(number, bytes: (value.string ?? "").utf8)
        case .texts: for text in value.strings { writer.field(number, bytes: text.utf8) }
        case .truth: writer.field(number, varint: value.bool ?? false ? 1 : 0)
        case .integer: writer.field(number, int: value.int ?? 0)
        case .number: writer.field(number, double: value.double ?? 0)
        case .any: writer.field(number) { $0.field(2, bytes: value.encoded() + [0x0A]) }
        case .anys: for element in value.elements { write(element, .any, number, to: &writer) }
        case .message(let shape): writer.field(number) { write(value, shape, to: &$0) }
        case .schema: writer.field(number) { write(value, schema, to: &$0) }
        case .items: writer.field(number) { outer in outer.field(1) { write(value, schema, to: &$0) } }
        case .schemas: for element in value.elements { writer.field(number) { write(element, schema, to: &$0) } }
        case .properties: writer.field(number) { pairs(value, schema, inner: 1, to: &$0) }
        case .paths: writer.field(number) { pairs(value, path, inner: 2, to: &$0) }
        case .typeNames:
            writer.field(number) { item in
                for name in value.string.map({ [$0] }) ?? value.strings { item.field(1, bytes: name.utf8) }
            }
        case .schemaOrTruth:
            writer.field(number) { item in
                if let truth = value.bool {
                    item.field(2, varint: truth ? 1 : 0)
                } else {
                    item.field(1) { write(value, schema, to: &$0) }
                }
            }
        case .parameters: for element in value.elements { writer.field(number) { write(parameter: element, to: &$0) } }
        case .responses:
            writer.field(number) { responses in
                for (code, response) in value.object ?? [:] {
                    responses.field(1) { pair in
                        pair.field(1, bytes: code.utf8)
                        pair.field(2) { value in value.field(1) { write(response: response, to: &$0) } }
                    }
                }
            }
        }
    }

    private static func pairs(_ value: JSON, _ shape: Shape, inner: Int, to writer: inout ProtobufWriter) {
        for (name, element) in value.object ?? [:] {
            writer.field(inner) { pair in
                pair.field(1, bytes: name.utf8)
                pair.field(2) { write(element, shape, to: &$0) }
            }
        }
    }

    private static func write(parameter: JSON, to writer: inout ProtobufWriter) {
        writer.field(1) { item in
            switch parameter["in"]?.string {
            case "body": item.field(1) { write(parameter, bodyParameter, to: &$0) }
            case "path": item.field(2) { $0.field(4) { write(parameter, pathParameter, to: &$0) } }
            case "header": item.field(2) { $0.field(1) { write(parameter, pathParameter, to: &$0) } }
            default: item.field(2) { $0.field(3) { write(parameter, queryParameter, to: &$0) } }
            }
        }
    }

    private static func write(response: JSON, to writer: inout ProtobufWriter) {
        writer.field(1, bytes: (response["description"]?.string ?? "").utf8)
        if let answer = response["schema"] {
            writer.field(2) { item in item.field(1) { write(answer, schema, to: &$0) } }
        }
    }
}
