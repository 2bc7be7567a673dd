/// Where fields stand in a JSON text: its order is lost in the tree, and upstream tells what is wrong with a body in that order.
///
/// Paths are as `spec.containers[0].env`. Comparing one with where the parser is begins at its end and makes no text, so that the time is
/// that of reading, however long keys are.
struct FieldPositions {
    private struct Field {
        let path: [UInt8]
        var found: [Int] = []
    }

    private var fields: [Field]
    /// By the last byte of the path, which fields may be meant.
    private var byLast: [UInt8: [Int]] = [:]

    init(of paths: [String]) {
        fields = Set(paths).filter { !$0.isEmpty }.map { Field(path: Array($0.utf8)) }
        for (index, field) in fields.enumerated() { byLast[field.path[field.path.count - 1], default: []].append(index) }
    }

    /// The first two places of each field, in bytes from the start.
    var found: [String: [Int]] {
        Dictionary(uniqueKeysWithValues: fields.map { (String(decoding: $0.path, as: UTF8.self), $0.found) })
    }

    mutating func note(_ steps: [JSONParser.Step], at position: Int) {
        guard case .key(let key)? = steps.last, let last = key.utf8.last, let candidates = byLast[last] else { return }
        for index in candidates where fields[index].found.count < 2 && Self.matches(fields[index].path, steps) {
            fields[index].found.append(position)
        }
    }

    private static func matches(_ path: [UInt8], _ steps: [JSONParser.Step]) -> Bool {
        var rest = path[...]
        for (index, step) in steps.enumerated().reversed() {
            switch step {
            case .key(let key):
                guard rest.hasSuffix(key.utf8) else { return false }
                rest = rest.dropLast(key.utf8.count)
                if index > 0 {
                    guard rest.last == UInt8(ascii: ".") else { return false }
                    rest = rest.dropLast()
                }
            case .index(let number):
                let text = "[\(number)]"
                guard rest.hasSuffix(text.utf8) else { return false }
                rest = rest.dropLast(text.utf8.count)
            }
        }
        return rest.isEmpty
    }
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(_ suffix: String.UTF8View) -> Bool {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix)
    }
}

extension JSON {
    /// Where fields stand in a JSON text: of each path the first two places, in bytes from the start.
    public static func positions(of paths: [String], in text: [UInt8]) -> [String: [Int]] {
        text.withUnsafeBufferPointer { JSONParser.positions(of: FieldPositions(of: paths), in: $0).found }
    }
}
