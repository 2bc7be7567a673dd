import KubeObject
import KubeRegistry
import KubeSchema

/// How a list's objects become a body, one by one.
protocol ListCoding: Sendable {
    var contentType: String { get }
    /// How many times the work of copying it is to make a byte of an item.
    var effort: Int { get }
    /// What the body begins with, whatever the items are.
    var prelude: [UInt8] { get }
    /// Whether the head says the size of what follows.
    var beginsWithSize: Bool { get }
    /// What comes between the prelude and the items, which have `itemBytes` together (where that matters).
    func head(itemBytes: Int) -> [UInt8]
    func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) throws
    /// How many bytes `append` adds for an object, and whether that was known and took no work.
    func size(of object: Object) throws -> (bytes: Int, wasKnown: Bool)
    var tail: [UInt8] { get }
}

extension ListCoding {
    var prelude: [UInt8] { [] }
    var beginsWithSize: Bool { false }
    /// Nobody asks.
    func size(of object: Object) throws -> (bytes: Int, wasKnown: Bool) { (0, true) }
}

/// JSON of stored objects, by joining their bytes: nothing is decoded.
struct StoredListCoding: ListCoding {
    let contentType = Representation.Coding.json.mediaType
    let effort = 1
    private let head: [UInt8]
    private let prefix: ItemPrefix

    init(_ result: ListResult, _ resource: ResourceType) {
        var head: [UInt8] = Array("{\"kind\":".utf8)
        JSON.write(resource.listKind, to: &head)
        head += ",\"apiVersion\":".utf8
        JSON.write(resource.apiVersion, to: &head)
        head += ",\"metadata\":".utf8
        JSON.write(ItemPrefix.metadata(result, resource), to: &head)
        head += ",\"items\":[".utf8
        self.head = head
        self.prefix = ItemPrefix(resource)
    }

    func head(itemBytes: Int) -> [UInt8] { self.head }

    func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        self.prefix.append(object.bytes, to: &bytes)
    }

    var tail: [UInt8] { Array("]}\n".utf8) }
}

/// A document with one long array, whose items are made one by one: tables, metadata, and what people or YAML's readers look at.
struct DocumentListCoding: ListCoding {
    private enum Style {
        case compact, pretty, yaml
    }

    let contentType: String
    let effort = 16
    private let head: [UInt8]
    private let item: @Sendable (Object) -> JSON
    private let style: Style
    let tail: [UInt8]

    /// - Parameters:
    ///   - envelope: the document without the array.
    ///   - member: the array's name.
    ///   - isEmpty: whether there will be no items.
    init(
        _ envelope: JSON, member: String, isEmpty: Bool, _ representation: Representation,
        item: @escaping @Sendable (Object) -> JSON
    ) {
        self.contentType = representation.contentType
        self.item = item
        let style: Style = representation.coding == .yaml ? .yaml : representation.isPretty ? .pretty : .compact
        self.style = style
        // The document is written with a mark in the array, which nothing else in it can be like, and cut there.
        let mark = "item" + Identifiers.uid().filter { $0 != "-" }
        var envelope = envelope
        envelope[member] = .array(isEmpty ? [] : [.string(mark)])
        let text =
            switch style {
            case .compact: String(decoding: envelope.encoded(), as: UTF8.self) + "\n"
            case .pretty: envelope.pretty() + "\n"
            case .yaml: YAML.encode(envelope)
            }
        guard let range = text.firstRange(of: style == .yaml ? "- \(mark)\n" : "\"\(mark)\"") else {
            self.head = Array(text.utf8)
            self.tail = []
            return
        }
        self.head = Array(text[..<range.lowerBound].utf8)
        self.tail = Array(text[range.upperBound...].utf8)
    }

    func head(itemBytes: Int) -> [UInt8] { self.head }

    func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) {
        let tree = self.item(object)
        switch self.style {
        case .compact:
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            JSON.write(tree, to: &bytes)
        case .pretty:
            // Strings have no line breaks in JSON: each is the layout's, and moves in with the array.
            let margin = "    "
            if !isFirst { bytes += ",\n\(margin)".utf8 }
            for byte in tree.pretty().utf8 {
                bytes.append(byte)
                if byte == UInt8(ascii: "\n") { bytes += margin.utf8 }
            }
        case .yaml: bytes += YAML.encode(.array([tree])).utf8
        }
    }
}

/// Protobuf. An object's size is found out by encoding it, once: whole objects remember theirs.
struct ProtobufListCoding: ListCoding {
    let contentType = Protobuf.mediaType
    let effort = 8
    let list: ProtobufList
    /// Whether it is of whole objects, and not of their metadata.
    let isWhole: Bool
    let beginsWithSize = true

    var prelude: [UInt8] { self.list.prelude }

    func head(itemBytes: Int) -> [UInt8] { self.list.head(itemBytes: itemBytes) }

    func append(_ object: Object, isFirst: Bool, to bytes: inout [UInt8]) throws {
        let start = bytes.count
        try self.list.append(object.passingTree, to: &bytes)
        let size = bytes.count - start
        guard !self.isWhole || object.codedSize == 0 || object.codedSize == size else {
            throw ProtobufError("an object's size was said to be \(object.codedSize) and is \(size)")
        }
    }

    func size(of object: Object) throws -> (bytes: Int, wasKnown: Bool) {
        if self.isWhole, object.codedSize > 0 { return (object.codedSize, true) }
        var item: [UInt8] = []
        item.reserveCapacity(object.bytes.count + 64)
        try self.list.append(object.passingTree, to: &item)
        if self.isWhole { object.codedSize = item.count }
        return (item.count, false)
    }

    var tail: [UInt8] { self.list.tail }
}
