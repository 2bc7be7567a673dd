/// One way to call a function.
struct CELOverload: Sendable {
    let id: String
    let isMember: Bool
    /// The first is the target of a member.
    let arguments: [CELType]
    let result: CELType
    /// How many types are left open.
    let parameters: Int
}

/// The functions that expressions may call, read from lines such as `size_list size (list(A)) int`: an identifier, the name, the
/// arguments (`.(` for a member) and the result. Capital letters are types left open.
enum CELDeclarations {
    /// What Kubernetes gives every expression.
    /// Source: https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries
    static let base: [String: [CELOverload]] = read([
        operators, comparisons, conversions, texts, times, lists, optionals, kubernetes, network,
    ])

    private static let byID: [String: (name: String, isMember: Bool)] = {
        var known: [String: (name: String, isMember: Bool)] = [:]
        for (name, overloads) in base { for overload in overloads { known[overload.id] = (name, overload.isMember) } }
        return known
    }()

    /// The function that an overload belongs to.
    static func name(of overload: String) -> String? { byID[overload]?.name }

    static func isMember(_ overload: String) -> Bool { byID[overload]?.isMember ?? false }

    static func read(_ tables: [String]) -> [String: [CELOverload]] {
        var functions: [String: [CELOverload]] = [:]
        for line in tables.joined(separator: "\n").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 4 else { continue }
            let isMember = words[2].hasPrefix(".")
            var reader = Reader(words[2].drop { $0 == "." })
            let arguments = reader.list()
            reader.rest = words[3]
            let result = reader.type()
            functions[String(words[1]), default: []].append(
                CELOverload(
                    id: String(words[0]), isMember: isMember, arguments: arguments, result: result,
                    parameters: reader.parameters.count))
        }
        return functions
    }

    private struct Reader {
        var rest: Substring
        var parameters: [Substring: Int] = [:]

        init(_ text: Substring) { rest = text }

        /// `(int,string)`.
        mutating func list() -> [CELType] {
            rest = rest.dropFirst()
            var types: [CELType] = []
            while let next = rest.first, next != ")" {
                if next == "," { rest = rest.dropFirst() }
                types.append(type())
            }
            rest = rest.dropFirst()
            return types
        }

        mutating func type() -> CELType {
            let name = rest.prefix { $0 != "(" && $0 != ")" && $0 != "," }
            rest = rest.dropFirst(name.count)
            let inner = rest.first == "(" ? list() : []
            switch (name, inner.count) {
            case ("list", 1): return .list(inner[0])
            case ("map", 2): return .map(inner[0], inner[1])
            case ("optional", 1): return .optional(inner[0])
            case ("type", 1): return .type(inner[0])
            case ("dyn", _): return .dyn
            case ("duration", _): return .duration
            case ("timestamp", _): return .timestamp
            default: break
            }
            if name.utf8.count == 1 {
                let index = parameters[name] ?? parameters.count
                parameters[name] = index
                return .parameter(index)
            }
            return CELType.named[String(name)] ?? .object(String(name))
        }
    }

    private static let ordered = [
        ("bool", "bool"), ("int64", "int"), ("uint64", "uint"), ("double", "double"), ("string", "string"), ("bytes", "bytes"),
        ("timestamp", "timestamp"), ("duration", "duration"),
    ]
    private static let numbers = [("int64", "int"), ("uint64", "uint"), ("double", "double")]

    /// Types have an order each, and numbers with each other.
    private static let comparisons: String = {
        var lines: [String] = []
        for (word, name) in [("less", "_<_"), ("less_equals", "_<=_"), ("greater", "_>_"), ("greater_equals", "_>=_")] {
            for (id, type) in ordered { lines.append("\(word)_\(id) \(name) (\(type),\(type)) bool") }
            for left in numbers {
                for right in numbers where left.0 != right.0 {
                    lines.append("\(word)_\(left.0)_\(right.0) \(name) (\(left.1),\(right.1)) bool")
                }
            }
        }
        return lines.joined(separator: "\n")
    }()

    /// Functions of lists whose elements have an order, or a sum.
    static let lists: String = {
        var lines = [listTable]
        for type in ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"] {
            let list = "(list(\(type)))"
            lines.append("list_\(type)_is_sorted_bool isSorted .\(list) bool")
            lines.append("list_\(type)_max_\(type) max .\(list) \(type)")
            lines.append("list_\(type)_min_\(type) min .\(list) \(type)")
            lines.append("list_\(type)_sort sort .\(list) list(\(type))")
            lines.append("list_\(type)_sortByAssociatedKeys @sortByAssociatedKeys .(list(T),list(\(type))) list(T)")
        }
        for type in ["int", "uint", "double", "duration"] {
            lines.append("list_\(type)_sum_\(type) sum .(list(\(type))) \(type)")
        }
        return lines.joined(separator: "\n")
    }()
}
