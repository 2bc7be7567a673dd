/// Where fields stand in a JSON text: its order is lost in the tree, and upstream tells what is wrong with a body in that order.
///
/// Paths are as `spec.containers[0].env`. The time is that of reading the text once, however many fields are sought and however long keys are: each
/// step down goes on with the hash of the path above it, and only where that is a sought field's are paths compared.
struct FieldPositions {
    private struct Field {
        let path: [UInt8]
        var found: [Int] = []
    }

    private var fields: [Field]
    private var byHash: [UInt64: [Int]] = [:]
    /// Of the path so far, and of each beginning of it.
    private var hashes: [UInt64]

    private static let start = UInt64.random(in: .min ... .max)

    init(of paths: [String]) {
        fields = Set(paths).filter { !$0.isEmpty }.map { Field(path: Array($0.utf8)) }
        hashes = [Self.start]
        for (index, field) in fields.enumerated() { byHash[Self.hash(field.path, after: Self.start), default: []].append(index) }
    }

    /// The first two places of each field, in bytes from the start.
    var found: [String: [Int]] {
        Dictionary(uniqueKeysWithValues: fields.map { (String(decoding: $0.path, as: UTF8.self), $0.found) })
    }

    mutating func enter(_ step: JSONParser.Step) {
        var hash = hashes[hashes.count - 1]
        switch step {
        case .key(let key):
            if hashes.count > 1 { hash = Self.hash(CollectionOfOne(UInt8(ascii: ".")), after: hash) }
            hash = Self.hash(key.utf8, after: hash)
        case .index(let number): hash = Self.hash("[\(number)]".utf8, after: hash)
        }
        hashes.append(hash)
    }

    mutating func leave() { hashes.removeLast() }

    /// The path is that of a field that stands at a position.
    mutating func note(_ steps: [JSONParser.Step], at position: Int) {
        guard let candidates = byHash[hashes[hashes.count - 1]] else { return }
        for index in candidates where fields[index].found.count < 2 && Self.matches(fields[index].path, steps) {
            fields[index].found.append(position)
        }
    }

    /// FNV-1a, which goes on from any hash with what follows.
    private static func hash(_ bytes: some Sequence<UInt8>, after hash: UInt64) -> UInt64 {
        bytes.reduce(hash) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static func matches(_ path: [UInt8], _ steps: [JSONParser.Step]) -> Bool {
        var rest = path[...]
        for (index, step) in steps.enumerated() {
            let text: String
            switch step {
            case .key(let key): text = index > 0 ? ".\(key)" : key
            case .index(let number): text = "[\(number)]"
            }
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
        }
        return rest.isEmpty
    }
}

extension JSON {
    /// Where fields stand in a JSON text: of each path the first two places, in bytes from the start.
    public static func positions(of paths: [String], in text: [UInt8]) -> [String: [Int]] {
        text.withUnsafeBufferPointer { JSONParser.positions(of: FieldPositions(of: paths), in: $0).found }
    }
}
