extension CELCostEstimator {
    private static let one = CELRange(exactly: 1)

    /// What a call costs with its arguments. In the order of upstream: the lists' own estimates, Kubernetes' functions, the language's.
    mutating func estimate(_ call: Call) -> Estimate {
        if call.overload == "logical_and" || call.overload == "logical_or", call.costs.count == 2 {
            return Estimate(CELRange(call.costs[0].least, (call.costs[0] + call.costs[1]).most))
        }
        if call.overload == "conditional" { return conditional(call) }
        var estimate = ofLists(call) ?? ofKubernetes(call) ?? ofTheLanguage(call) ?? Estimate(Self.one)
        for cost in call.costs { estimate.cost = estimate.cost + cost }
        return estimate
    }

    private mutating func conditional(_ call: Call) -> Estimate {
        let (yes, no) = (call.arguments[1], call.arguments[2])
        let size = known(yes).union(known(no))
        if let a = elements(yes), let b = elements(no) { setElements(call.node, a.union(b)) }
        return Estimate(call.costs[0] + call.costs[1].union(call.costs[2]), size: size)
    }

    private mutating func known(_ node: Int) -> CELRange { size(node) ?? .unknown }

    private mutating func known(_ node: Int?) -> CELRange { node.map { size($0) ?? .unknown } ?? .unknown }

    private func isText(_ type: CELType) -> Bool { type == .string || type == .bytes }

    /// What the elements of a list are; nil for what is no list.
    private func elementType(_ node: Int) -> CELType? {
        if case .list(let element) = type(node) { element } else { nil }
    }

    /// How large the elements of a list are, by where it comes from.
    private func elementSize(_ node: Int) -> CELRange {
        guard case .known(let place) = path(node), let element = place?.element else { return .unknown }
        return CELRange(0, element.most)
    }

    private func literalInt(_ node: Int, orElse value: UInt64) -> UInt64 {
        guard case .literal(.int(let number)) = kind(node) else { return value }
        return number < 0 ? 0 : UInt64(number)
    }

    // MARK: Lists

    private func allocating(_ size: CELRange, factor: Double = 1) -> Estimate {
        Estimate(size * factor + CELRange(exactly: 11), size: size)
    }

    private mutating func ofLists(_ call: Call) -> Estimate? {
        switch call.overload {
        case "list_slice":
            let most = known(call.target).most
            let (start, end) = (literalInt(call.arguments[0], orElse: 0), literalInt(call.arguments[1], orElse: most))
            return allocating(CELRange(exactly: end &- start))
        case "lists_range": return allocating(CELRange(exactly: literalInt(call.arguments[0], orElse: .max)))
        case "list_reverse": return allocating(known(call.target))
        case "list_flatten": return allocating(known(call.target))
        case "list_flatten_int":
            return allocating(known(call.target), factor: Double(literalInt(call.arguments[0], orElse: .max)))
        case "list_sets_contains_list", "list_sets_intersects_list", "list_sets_equivalent_list":
            let product = known(call.arguments[0]) * known(call.arguments[1])
            return Estimate(product * (call.overload == "list_sets_equivalent_list" ? 2 : 1) + Self.one)
        case "list_distinct": return quadratic(call.target)
        default:
            if call.name == "sort" { return quadratic(call.target) }
            return call.name == "@sortByAssociatedKeys" ? quadratic(call.arguments[0]) : nil
        }
    }

    /// Every element is compared with every other.
    private mutating func quadratic(_ list: Int?) -> Estimate {
        let size = known(list)
        let isOfTexts = list.flatMap { elementType($0) }.map(isText) ?? false
        return allocating(size * size, factor: isOfTexts ? 2.1 : 2)
    }

    // MARK: Kubernetes' functions

    private mutating func ofKubernetes(_ call: Call) -> Estimate? {
        switch call.name {
        case "check": return Estimate(CELRange(exactly: 350_000))
        case "fieldSelector", "labelSelector":
            let length = known(call.arguments[0])
            // A list, and what is made of each two characters.
            return Estimate(CELRange(exactly: 10) + length.traversal + length * 0.5 * 50)
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf": return traversed(call)
        case "url":
            let size = known(call.arguments[0])
            return Estimate(size.traversal, size: size)
        case "lowerAscii", "upperAscii", "substring", "trim":
            let size = known(call.target)
            return Estimate(size.traversal, size: size)
        case "replace" where call.arguments.count >= 2: return replaced(call)
        case "split":
            let size = known(call.target)
            var most = size.most
            if call.arguments.count > 1, case .literal(.int(let limit)) = kind(call.arguments[1]) {
                most = UInt64(bitPattern: limit)
            }
            return Estimate(size * 0.2, size: CELRange(0, most))
        case "join": return joined(call)
        case "find", "findAll":
            let size = known(call.target)
            let cost = (size + Self.one).traversal * known(call.arguments[0]).pattern
            return Estimate(cost, size: CELRange(0, size.most))
        case "ip" where call.overload == "cidr_ip": return Estimate(Self.one)
        case "cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity", "semver", "isSemver":
            return Estimate(known(call.arguments[0]).traversal)
        case "ip.isCanonical": return Estimate(known(call.arguments[0]) * 0.2)
        case "containsIP", "containsCIDR": return contained(call)
        case "validate": return Estimate(known(call.arguments[0]).traversal * (128 * 0.25))
        case "_==_": return equality(call)
        default: return nil
        }
    }

    private mutating func traversed(_ call: Call) -> Estimate? {
        guard let target = call.target else { return nil }
        let size = known(target)
        guard let element = elementType(target) else { return Estimate(size.traversal) }
        var each = Self.one
        if isText(element) { each = each + elementSize(target).traversal }
        return Estimate(size * each)
    }

    private mutating func replaced(_ call: Call) -> Estimate {
        let size = known(call.target)
        let old = known(call.arguments[0])
        let new = known(call.arguments[1])
        func quotient(_ value: UInt64, _ divisor: UInt64) -> UInt64 {
            let result = (Double(value) / Double(divisor)).rounded(.up)
            return result >= 0x1p64 ? .max : UInt64(result)
        }
        var count = CELRange(exactly: 0)
        var kept = CELRange(exactly: 0)
        if old.least == 0 {
            // What is empty stands around every character.
            count.most = CELRange.add(size.most, 1)
            kept.most = size.most
        } else if new.most <= old.least {
            kept.most = size.most
        } else {
            count.most = quotient(size.most, old.least)
        }
        if old.most == 0 {
            count.least = CELRange.add(size.least, 1)
            kept.least = size.least
        } else if old.most <= new.least {
            kept.least = size.least
        } else {
            count.least = quotient(size.least, old.most)
        }
        return Estimate(size * 0.2, size: count * new + kept)
    }

    private mutating func joined(_ call: Call) -> Estimate? {
        guard let target = call.target else { return nil }
        let list = known(target)
        var size = CELRange(exactly: 0)
        if elementType(target) != nil { size = list * elementSize(target) }
        if let separator = call.arguments.first {
            let count = CELRange(list.least > 0 ? list.least - 1 : 0, list.most > 0 ? list.most - 1 : 0)
            size = size + known(separator) * count
        }
        return Estimate(size.traversal, size: size)
    }

    /// Addresses have 4 or 16 octets.
    private mutating func contained(_ call: Call) -> Estimate {
        let octets = CELRange(4, 16)
        var cost = (octets + octets).traversal
        if call.name == "containsCIDR" { cost = cost + octets.traversal + Self.one }
        if call.overload.hasSuffix("_string") { cost = cost + known(call.arguments[0]).traversal }
        return Estimate(cost)
    }

    private mutating func equality(_ call: Call) -> Estimate? {
        let type = type(call.arguments[0])
        guard type == self.type(call.arguments[1]) else { return nil }
        switch type {
        case .opaque("net.IP"), .opaque("net.CIDR"), .object("kubernetes.Quantity"), .object("kubernetes.Semver"):
            return Estimate(Self.one)
        case .object("kubernetes.NamedFormat"): return Estimate(CELRange(1, 64).traversal)
        case .object("kubernetes.URL"): return Estimate(CELRange(1, size(call.arguments[1])?.most ?? 1).traversal)
        case .object(let name) where name.hasPrefix("kubernetes.authorization."): return Estimate(Self.one)
        default: return nil
        }
    }

    // MARK: The language's functions

    private mutating func ofTheLanguage(_ call: Call) -> Estimate? {
        switch call.overload {
        case "string_format": return Estimate(known(call.target).traversal)
        case "string_to_bytes":
            let size = known(call.arguments[0])
            return Estimate(size.traversal, size: CELRange(size.least, CELRange.multiply(size.most, 4)))
        case "bytes_to_string":
            let size = known(call.arguments[0])
            return Estimate(size.traversal, size: CELRange(size.least / 4, size.most))
        case "strings_quote":
            let size = known(call.arguments[0])
            return Estimate(size.traversal, size: size * CELRange(1, 2) + CELRange(exactly: 2))
        case "starts_with_string", "ends_with_string": return Estimate(known(call.arguments[0]).traversal)
        case "in_list": return Estimate(known(call.arguments[1]))
        case "matches", "matches_string":
            let text = call.target ?? call.arguments[0]
            let pattern = call.arguments[call.arguments.count - 1]
            return Estimate((known(text) + Self.one).traversal * known(pattern).pattern)
        case "contains_string": return Estimate(known(call.target).traversal * known(call.arguments[0]).traversal)
        case "add_string", "add_bytes", "add_list":
            let size = known(call.arguments[0]) + known(call.arguments[1])
            if let a = elements(call.arguments[0]), let b = elements(call.arguments[1]) { setElements(call.node, a.union(b)) }
            return Estimate(call.overload == "add_list" ? Self.one : size.traversal, size: size)
        case "less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes", "greater_bytes",
            "less_equals_bytes", "greater_equals_bytes", "equals", "not_equals":
            let most = min(known(call.arguments[0]).most, known(call.arguments[1]).most)
            return Estimate(CELRange(most > 0 ? 1 : 0, most).traversal)
        default: return nil
        }
    }
}
