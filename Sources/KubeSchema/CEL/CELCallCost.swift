/// What calls cost while an expression is evaluated, by upstream's formula, so that an evaluation ends at the same size of object. What
/// this evaluator does and upstream's doesn't, such as copying lists that are joined, is charged too, at a rate that only matters
/// when it would take long.
/// Source: cel-go's and Kubernetes' cost of calls, https://kubernetes.io/docs/reference/using-api/cel/#runtime-cost-budget
enum CELCallCost {
    /// One for reading a byte of a text that nobody else is charged for, in as many.
    private static let copying = 128

    /// What a call costs that gave `result`. Not called for functions of others' values (``CELOpaque``).
    static func cost(of name: String, _ values: [CELValue], result: CELValue?) -> Int {
        func size(_ index: Int) -> Int { values.indices.contains(index) ? Self.size(values[index]) : 0 }
        switch name {
        // Upstream evaluates these without calling anything.
        case "or", "orValue": return 0
        case "startsWith", "endsWith": return Self.part(size(1), 0.1)
        case "bytes", "string":
            switch values.first {
            case .string where name == "bytes", .bytes where name == "string": return Self.part(size(0), 0.1)
            default: return 1
            }
        case "_in_": return values.last.map { $0.isMap } == true ? 1 : size(1)
        case "_<_", "_<=_", "_>_", "_>=_":
            switch values.first {
            case .string, .bytes: return Self.part(min(size(0), size(1)), 0.1)
            default: return 1
            }
        case "_==_", "_!=_":
            let cost = Self.part(min(size(0), size(1)), 0.1)
            switch values.first {
            case .string, .bytes: return cost
            default: return cost + (size(0) + size(1)) / Self.copying
            }
        case "_+_":
            switch values.first {
            case .string, .bytes: return Self.part(size(0) + size(1), 0.1)
            default: return 1 + (values.first?.count ?? 0) / Self.copying
            }
        case "matches", "find", "findAll": return Self.product(Self.part(size(0) + 1, 0.1), Self.part(size(1), 0.25))
        case "contains": return Self.product(Self.part(size(0), 0.1), Self.part(size(1), 0.1))
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf":
            return values.first.map { Self.traversal($0) } ?? 0
        case "url", "isURL", "lowerAscii", "upperAscii", "substring", "trim", "cidr", "isIP", "isCIDR", "quantity", "isQuantity",
            "semver", "isSemver", "format":
            return Self.part(size(0), 0.1)
        case "ip": if case .cidr? = values.first { return 1 } else { return Self.part(size(0), 0.1) }
        case "ip.isCanonical", "replace", "split": return Self.part(size(0), 0.2)
        case "join": return Self.part(result.map { Self.size($0) } ?? 0, 0.2)
        case "containsIP", "containsCIDR":
            var cost = Self.part(2 * size(0), 0.1)
            if name == "containsCIDR" { cost += Self.part(size(0), 0.1) + 1 }
            if case .string? = values.last { cost += Self.part(size(1), 0.1) }
            return cost
        case "sets.contains", "sets.intersects": return 1 + Self.product(size(0), size(1))
        case "sets.equivalent": return 1 + 2 * min(Self.product(size(0), size(1)), .max / 4)
        case "sort", "distinct": return 11 + Self.sorting(size(0))
        case "flatten", "slice", "reverse", "charAt", "strings.quote", "optional.unwrap", "unwrapOpt":
            return 1 + size(0) / Self.copying
        case "lists.range":
            guard case .int(let count)? = values.first else { return 1 }
            return 1 + Int(clamping: max(0, count))
        default: return 1
        }
    }

    /// Every element with every other, at worst.
    static func sorting(_ count: Int) -> Int { product(count, min(count, .max / 2) * 2) }

    /// Of a text its characters, of lists and maps their elements, of addresses their bytes; everything else is one.
    private static func size(_ value: CELValue) -> Int {
        switch value {
        case .string(let text): text.unicodeScalars.count
        case .bytes(let bytes): bytes.count
        case .ip(let ip): ip.octets.count
        case .cidr(_, let prefix): (prefix + 7) / 8
        default: value.count ?? 1
        }
    }

    /// As one pass over all that is inside.
    private static func traversal(_ value: CELValue) -> Int {
        switch value {
        case .string(let text): return Int(Double(text.utf8.count) * 0.1)
        case .bytes(let bytes): return Int(Double(bytes.count) * 0.1)
        default:
            if let entries = value.entries { return entries.reduce(0) { $0 + traversal($1.key) + traversal($1.value) } }
            if let elements = value.elements { return elements.reduce(0) { $0 + traversal($1) } }
            return 1
        }
    }

    private static func part(_ size: Int, _ factor: Double) -> Int { Int((Double(size) * factor).rounded(.up)) }

    private static func product(_ left: Int, _ right: Int) -> Int {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max / 4 : product
    }
}
