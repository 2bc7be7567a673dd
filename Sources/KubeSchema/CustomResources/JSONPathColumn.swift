public import KubeObject

/// The part of kubectl's JSONPath that printer columns use: names, `['quoted names']`, indices, slices of all (`[*]`), and filters such as
/// `[?(@.type=="Ready")]`.
/// Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/
public struct JSONPathColumn: Sendable {
    enum Step: Sendable {
        case name(String)
        case index(Int)
        case all
        case filter([String], comparison: String, JSON?)
    }

    static let maximumSteps = 64
    /// A path with `[*]` may reach many values; a column shows the first.
    static let maximumFound = 1000

    let steps: [Step]

    /// - Throws: `SchemaError` when the text isn't such a path.
    public init(_ text: String) throws(SchemaError) {
        var parser = PathParser(text)
        steps = try parser.steps()
    }

    /// The values at the path, in order.
    public func values(in object: JSON) -> [JSON] {
        var found = [object]
        for step in steps {
            var next: [JSON] = []
            for value in found where next.count < Self.maximumFound {
                switch step {
                case .name(let name): if let member = value[name] { next.append(member) }
                case .index(let index):
                    let count = value.elements.count
                    if let element = value[index < 0 ? count + index : index] { next.append(element) }
                case .all: next += value.array ?? value.object.map { Array($0.values) } ?? []
                case .filter(let keys, let comparison, let wanted):
                    next += value.elements.filter { Self.matches($0[keys: keys[...]], comparison, wanted) }
                }
            }
            found = next
        }
        return found
    }

    private static func matches(_ value: JSON?, _ comparison: String, _ wanted: JSON?) -> Bool {
        guard let value else { return false }
        guard let wanted else { return true }
        let isEqual = StructuralValidation.equal(value, wanted)
        let order: Int? =
            if let a = value.double, let b = wanted.double {
                a < b ? -1 : a > b ? 1 : 0
            } else if let a = value.string, let b = wanted.string {
                precedes(a, b) ? -1 : a == b ? 0 : 1
            } else { nil }
        switch comparison {
        case "==": return isEqual
        case "!=": return !isEqual
        case "<": return order.map { $0 < 0 } ?? false
        case "<=": return order.map { $0 <= 0 } ?? false
        case ">": return order.map { $0 > 0 } ?? false
        default: return order.map { $0 >= 0 } ?? false
        }
    }
}

private struct PathParser {
    private let text: [Character]
    private var position = 0

    init(_ source: String) {
        var characters = Array(source)
        if characters.first == "{", characters.last == "}", characters.count >= 2 {
            characters = Array(characters[1..<(characters.count - 1)])
        }
        if characters.first == "$" { characters.removeFirst() }
        text = characters
    }

    private var next: Character? { position < text.count ? text[position] : nil }

    mutating func steps() throws(SchemaError) -> [JSONPathColumn.Step] {
        var steps: [JSONPathColumn.Step] = []
        guard next == "." || next == "[" else { throw SchemaError("a path starts with a dot") }
        while let character = next {
            guard steps.count < JSONPathColumn.maximumSteps else {
                throw SchemaError("a path has at most \(JSONPathColumn.maximumSteps) steps")
            }
            position += 1
            switch character {
            case ".":
                if next == "[" || next == nil && steps.isEmpty { continue }
                if next == "*" {
                    position += 1
                    steps.append(.all)
                } else {
                    steps.append(.name(try name()))
                }
            case "[": steps.append(try bracket())
            default: throw SchemaError("unexpected \(character)")
            }
        }
        return steps
    }

    /// A name; a backslash takes a dot or bracket into it.
    private mutating func name() throws(SchemaError) -> String {
        var name = ""
        while let character = next, character != ".", character != "[" {
            position += 1
            if character == "\\", let escaped = next {
                position += 1
                name.append(escaped)
            } else {
                guard !" \t\n()'\"{}]".contains(character) else { throw SchemaError("unexpected \(character) in a name") }
                name.append(character)
            }
        }
        guard !name.isEmpty else { throw SchemaError("a name is missing") }
        return name
    }

    private mutating func bracket() throws(SchemaError) -> JSONPathColumn.Step {
        switch next {
        case "'"?, "\""?:
            let name = try quoted()
            try expect("]")
            return .name(name)
        case "*"?:
            position += 1
            try expect("]")
            return .all
        case "?"?:
            position += 1
            return try filter()
        default:
            let digits = word { $0 == "-" || $0.isNumber }
            guard let index = Int(digits) else { throw SchemaError("not an index: \(digits)") }
            try expect("]")
            return .index(index)
        }
    }

    private mutating func filter() throws(SchemaError) -> JSONPathColumn.Step {
        try expect("(")
        try expect("@")
        var keys: [String] = []
        while next == "." {
            position += 1
            keys.append(word { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
        }
        skipSpace()
        let comparison = word { "=!<>".contains($0) }
        if comparison.isEmpty {
            try expect(")")
            try expect("]")
            return .filter(keys, comparison: "", nil)
        }
        guard ["==", "!=", "<", "<=", ">", ">="].contains(comparison) else {
            throw SchemaError("unknown comparison \(comparison)")
        }
        skipSpace()
        let wanted: JSON
        if next == "'" || next == "\"" {
            wanted = .string(try quoted())
        } else {
            let literal = word { $0 != ")" && $0 != " " }
            do { wanted = try JSON(parsing: literal.utf8) } catch { throw SchemaError("not a value: \(literal)") }
        }
        skipSpace()
        try expect(")")
        try expect("]")
        return .filter(keys, comparison: comparison, wanted)
    }

    private mutating func quoted() throws(SchemaError) -> String {
        guard let quote = next else { throw SchemaError("unterminated string") }
        position += 1
        var result = ""
        while let character = next {
            position += 1
            if character == quote { return result }
            if character == "\\", let escaped = next {
                position += 1
                result.append(escaped)
            } else {
                result.append(character)
            }
        }
        throw SchemaError("unterminated string")
    }

    private mutating func word(_ isPart: (Character) -> Bool) -> String {
        var result = ""
        while let character = next, isPart(character) {
            result.append(character)
            position += 1
        }
        return result
    }

    private mutating func skipSpace() { while next == " " { position += 1 } }

    private mutating func expect(_ character: Character) throws(SchemaError) {
        guard next == character else { throw SchemaError("\(character) is missing") }
        position += 1
    }
}
