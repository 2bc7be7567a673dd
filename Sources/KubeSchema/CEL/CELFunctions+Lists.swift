import KubeObject

/// Functions of lists, sets and numbers.
extension CELFunctions {
    static func lists(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        if name.hasPrefix("math.") { return try math(name, values) }
        if name == "lists.range", values.count == 1, case .int(let count) = values[0] {
            return .list((0..<max(0, count)).map { .int($0) })
        }
        guard let elements = values.first?.elements else { return nil }
        switch (name, values.count) {
        case ("isSorted", 1):
            for (left, right) in zip(elements, elements.dropFirst()) {
                guard let order = CELComparison.order(left, right) else { throw .noOverload(name) }
                if order > 0 { return .bool(false) }
            }
            return .bool(true)
        case ("sum", 1):
            guard var sum = elements.first else { return .int(0) }
            for element in elements.dropFirst() { sum = try call("_+_", isMember: false, [sum, element]) }
            return sum
        case ("min", 1), ("max", 1):
            guard var best = elements.first else { throw CELError("\(name) called on empty list") }
            for element in elements.dropFirst() {
                guard let order = CELComparison.order(element, best) else { throw .noOverload(name) }
                if name == "min" ? order < 0 : order > 0 { best = element }
            }
            return best
        case ("indexOf", 2): return .int(Int64(elements.firstIndex { CELComparison.equal($0, values[1]) } ?? -1))
        case ("lastIndexOf", 2): return .int(Int64(elements.lastIndex { CELComparison.equal($0, values[1]) } ?? -1))
        case ("slice", 3):
            guard case .int(let start) = values[1], case .int(let end) = values[2], start >= 0, start <= end,
                end <= elements.count
            else {
                throw CELError("cannot slice: index out of range")
            }
            return .list(Array(elements[Int(start)..<Int(end)]))
        case ("distinct", 1), ("unique", 1):
            var seen: [CELValue] = []
            for element in elements where !seen.contains(where: { CELComparison.equal($0, element) }) { seen.append(element) }
            return .list(seen)
        case ("reverse", 1): return .list(elements.reversed())
        case ("flatten", 1): return .list(flattened(elements, 1))
        case ("flatten", 2):
            guard case .int(let depth) = values[1] else { return nil }
            guard depth >= 0 else { throw CELError("level must be non-negative") }
            return .list(flattened(elements, depth))
        case ("sort", 1): return .list(try sorted(elements, by: elements))
        case ("optional.unwrap", 1), ("unwrapOpt", 1):
            var present: [CELValue] = []
            for element in elements {
                guard case .optional(let value) = element else { throw .noOverload(name) }
                if let value { present.append(value) }
            }
            return .list(present)
        case ("first", 1): return .optional(elements.first)
        case ("last", 1): return .optional(elements.last)
        case ("sets.contains", 2), ("sets.equivalent", 2), ("sets.intersects", 2):
            guard let others = values[1].elements else { throw .noOverload(name) }
            func isIn(_ element: CELValue, _ list: [CELValue]) -> Bool { list.contains { CELComparison.equal($0, element) } }
            switch name {
            case "sets.contains": return .bool(others.allSatisfy { isIn($0, elements) })
            case "sets.intersects": return .bool(others.contains { isIn($0, elements) })
            default: return .bool(others.allSatisfy { isIn($0, elements) } && elements.allSatisfy { isIn($0, others) })
            }
        default: return nil
        }
    }

    private static func flattened(_ elements: [CELValue], _ depth: Int64) -> [CELValue] {
        guard depth > 0 else { return elements }
        return elements.flatMap { element in element.elements.map { flattened($0, depth - 1) } ?? [element] }
    }

    /// In the order of the keys, which must have one.
    static func sorted(_ elements: [CELValue], by keys: [CELValue]) throws(CELError) -> [CELValue] {
        for (left, right) in zip(keys, keys.dropFirst()) where CELComparison.order(left, right) == nil {
            throw CELError("list elements must have the same type")
        }
        let order = keys.indices.sorted { left, right in
            let order = CELComparison.order(keys[left], keys[right]) ?? 0
            return order == 0 ? left < right : order < 0
        }
        return order.map { elements[$0] }
    }

    private static func math(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch name {
        case "math.greatest", "math.least":
            let all = values.count == 1 ? values[0].elements ?? values : values
            guard var best = all.first else { throw .noOverload(name) }
            for value in all.dropFirst() {
                guard let order = CELComparison.order(value, best) else { throw .noOverload(name) }
                if name == "math.least" ? order < 0 : order > 0 { best = value }
            }
            return best
        case "math.abs", "math.sign":
            guard values.count == 1 else { throw .noOverload(name) }
            switch values[0] {
            case .int(let value):
                guard value != .min else { throw CELError("integer overflow") }
                return .int(name == "math.abs" ? abs(value) : value.signum())
            case .uint(let value): return name == "math.abs" ? values[0] : .uint(value == 0 ? 0 : 1)
            case .double(let value): return .double(name == "math.abs" ? abs(value) : value > 0 ? 1 : value < 0 ? -1 : value)
            default: throw .noOverload(name)
            }
        default:
            guard values.count == 1, case .double(let value) = values[0] else { throw .noOverload(name) }
            switch name {
            case "math.ceil": return .double(value.rounded(.up))
            case "math.floor": return .double(value.rounded(.down))
            case "math.round": return .double(value.rounded(.toNearestOrAwayFromZero))
            case "math.trunc": return .double(value.rounded(.towardZero))
            case "math.isNaN": return .bool(value.isNaN)
            case "math.isInf": return .bool(value.isInfinite)
            case "math.isFinite": return .bool(value.isFinite)
            default: return nil
            }
        }
    }

    static func optionals(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch (name, values.count) {
        case ("optional.of", 1): return .optional(values[0])
        case ("optional.none", 0): return .optional(nil)
        case ("optional.ofNonZeroValue", 1): return .optional(isZero(values[0]) ? nil : values[0])
        case ("hasValue", 1):
            guard case .optional(let value) = values[0] else { return nil }
            return .bool(value != nil)
        case ("value", 1):
            guard case .optional(let value) = values[0] else { return nil }
            guard let value else { throw CELError("optional.none() dereference") }
            return value
        case ("or", 2):
            guard case .optional(let value) = values[0] else { return nil }
            return value != nil ? values[0] : values[1]
        case ("orValue", 2):
            guard case .optional(let value) = values[0] else { return nil }
            return value ?? values[1]
        default: return nil
        }
    }

    private static func isZero(_ value: CELValue) -> Bool {
        switch value {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .duration(let value): value == 0
        case .timestamp(let value): value == 0
        default: value.count == 0
        }
    }
}
