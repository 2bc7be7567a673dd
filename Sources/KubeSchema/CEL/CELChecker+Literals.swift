extension CELChecker {
    /// Checks that literals mean something: durations, times, patterns and formats, and that literal lists have one type of elements.
    mutating func checkLiterals() {
        let formatted = formattedLists
        for (number, node) in tree.nodes.enumerated() {
            switch node.kind {
            case .call("duration", target: nil, let arguments):
                literal(arguments, "duration") { GoDuration.nanoseconds($0) != nil }
            case .call("timestamp", target: nil, let arguments):
                literal(arguments, "timestamp") {
                    do throws(CELError) { _ = try CELConversion.timestamp($0) } catch { return false }
                    return true
                }
                // Of the years 1 to 9999.
                if let first = arguments.first, case .literal(.int(let seconds)) = tree.nodes[first].kind,
                    !(-62_135_596_800...253_402_300_799).contains(seconds)
                {
                    report("invalid timestamp argument", first)
                }
            case .call("matches", let target, let arguments):
                // As upstream: of the free function, the text is looked at and not the pattern.
                if target != nil || !arguments.isEmpty { literal(arguments, "matches", Self.isPattern) }
            case .call("format", let target?, let arguments) where arguments.count == 1: format(number, target, arguments[0])
            case .list(let elements, let optional) where !formatted.contains(number): homogeneous(elements, optional)
            case .map(let entries):
                homogeneous(entries.map(\.key), [])
                homogeneous(entries.map(\.value), Set(entries.indices.filter { entries[$0].isOptional }))
            default: break
            }
        }
    }

    /// The values of a format may be of any types.
    private var formattedLists: Set<Int> {
        var lists: Set<Int> = []
        for node in tree.nodes {
            guard case .call("format", target: _?, let arguments) = node.kind else { continue }
            lists.formUnion(arguments)
        }
        return lists
    }

    private mutating func literal(_ arguments: [Int], _ function: String, _ isValid: (String) -> Bool) {
        guard let first = arguments.first, case .literal(.string(let text)) = tree.nodes[first].kind, !isValid(text) else {
            return
        }
        report("invalid \(function) argument", first)
    }

    private static func isPattern(_ text: String) -> Bool {
        do { _ = try LinearRegex(text) } catch { return false }
        return true
    }

    private mutating func homogeneous(_ elements: [Int], _ optional: Set<Int>) {
        var expected: CELType?
        for (index, element) in elements.enumerated() {
            var type = types[element]
            if optional.contains(index), case .optional(let inner) = type { type = inner }
            guard let first = expected else {
                expected = type
                continue
            }
            if first != type {
                return report("expected type '\(first)' but found '\(type)'", element)
            }
        }
    }

    /// What each clause of `'%s'.format([...])` takes.
    private static let clauses: [Unicode.Scalar: (needs: String, types: Set<CELType>)] = [
        "d": ("decimal clause can only be used on integers", [.int, .uint]),
        "f": ("fixed-point clause can only be used on doubles", [.double, .string]),
        "e": ("scientific clause can only be used on doubles", [.double, .string]),
        "b": ("only integers and bools can be formatted as binary", [.int, .uint, .bool]),
        "x": ("only integers, byte buffers, and strings can be formatted as hex", [.int, .uint, .string, .bytes]),
        "X": ("only integers, byte buffers, and strings can be formatted as hex", [.int, .uint, .string, .bytes]),
        "o": ("octal clause can only be used on integers", [.int, .uint]),
    ]

    /// As many values, and such, as the clauses of `'%s'.format([...])` ask for.
    private mutating func format(_ call: Int, _ target: Int, _ argument: Int) {
        guard case .literal(.string(let text)) = tree.nodes[target].kind, case .list(let values, _) = tree.nodes[argument].kind
        else {
            return
        }
        var used = 0
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else { continue }
            scalars = scalars.drop { $0 == "." || ("0"..."9").contains($0) }
            guard let verb = scalars.popFirst() else {
                return report("could not parse formatting clause: unexpected end of string", call)
            }
            if verb == "%" { continue }
            let clause = Self.clauses[verb]
            guard clause != nil || verb == "s" else {
                return report("could not parse formatting clause: unrecognized formatting clause \"\(verb)\"", call)
            }
            guard used < values.count else { return report("index \(used) out of range", call) }
            let value = values[used]
            used += 1
            let type = types[value]
            if let clause, !type.isDynamic, !clause.types.contains(type) {
                return report(
                    "error during formatting: \(clause.needs), was given \(type)", value)
            }
        }
        if values.count > used {
            report("too many arguments supplied to string.format (expected \(used), got \(values.count))", call)
        }
    }
}
