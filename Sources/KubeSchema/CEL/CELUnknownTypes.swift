/// Types that aren't known yet, and what is found out about them.
struct CELUnknownTypes {
    /// Larger types are taken for dynamic ones: a type can be exponentially larger than the text that makes it.
    private static let maximumSize = 500

    private var found: [CELType?] = []
    /// What the last attempt changed, to be undone when it fails.
    private var changes: [(Int, CELType?)] = []

    /// Makes `count` of them; the number of the first.
    mutating func add(_ count: Int) -> Int {
        found.append(contentsOf: repeatElement(nil, count: count))
        return found.count - count
    }

    /// Whether a value of the one type can stand where the other is wanted. What that needs is taken as found out.
    mutating func isAssignable(_ left: CELType, _ right: CELType) -> Bool { isAssignable([left], [right]) }

    mutating func isAssignable(_ left: [CELType], _ right: [CELType]) -> Bool {
        changes.removeAll(keepingCapacity: true)
        if areAssignable(left, right) { return true }
        for (index, before) in changes.reversed() { found[index] = before }
        return false
    }

    private mutating func set(_ index: Int, _ type: CELType) {
        changes.append((index, found[index]))
        found[index] = type
    }

    private mutating func areAssignable(_ left: [CELType], _ right: [CELType]) -> Bool {
        guard left.count == right.count else { return false }
        for (a, b) in zip(left, right) { guard assign(a, b) else { return false } }
        return true
    }

    private mutating func assign(_ left: CELType, _ right: CELType) -> Bool {
        if case .variable(let index) = right {
            let (isValid, isKnown) = bind(index, left)
            if isValid { return true }
            if isKnown { return false }
        }
        if case .variable(let index) = left { return bind(index, right).isValid }
        if left.isDynamic || right.isDynamic { return true }
        if left == .null { return Self.takesNull(right) }
        if right == .null { return Self.takesNull(left) }
        switch (left, right) {
        case (.type, .type): return true
        case (.list, .list), (.map, .map), (.optional, .optional): return areAssignable(left.parts, right.parts)
        default: return left == right
        }
    }

    private static func takesNull(_ type: CELType) -> Bool {
        switch type {
        case .null, .opaque, .optional, .object, .duration, .timestamp: true
        default: false
        }
    }

    private mutating func bind(_ index: Int, _ type: CELType) -> (isValid: Bool, isKnown: Bool) {
        if type == .variable(index) { return (true, true) }
        guard let known = found[index] else {
            guard isFree(index, of: type) else { return (false, false) }
            set(index, type)
            return (true, false)
        }
        if type == known { return (true, true) }
        guard assign(type, known) else { return (false, true) }
        let general = Self.mostGeneral(type, known)
        if isFree(index, of: general) { set(index, general) }
        return (true, true)
    }

    /// Whether a type isn't made of the unknown one.
    private func isFree(_ index: Int, of type: CELType) -> Bool {
        if case .variable(let other) = type {
            guard other != index else { return false }
            return found[other].map { isFree(index, of: $0) } ?? true
        }
        return type.parts.allSatisfy { isFree(index, of: $0) }
    }

    static func mostGeneral(_ left: CELType, _ right: CELType) -> CELType {
        isEqualOrMoreGeneral(left, right) ? left : right
    }

    private static func isEqualOrMoreGeneral(_ left: CELType, _ right: CELType) -> Bool {
        if case .variable = left { return true }
        if left == .dyn { return true }
        if case .variable = right { return false }
        if right == .dyn { return false }
        switch (left, right) {
        case (.type, .type): return true
        case (.list, .list), (.map, .map), (.optional, .optional):
            return zip(left.parts, right.parts).allSatisfy { isEqualOrMoreGeneral($0, $1) }
        default: return left == right
        }
    }

    /// The type with what was found out put in.
    ///
    /// - Parameter openIsDynamic: whether what is still unknown is dynamic.
    func substitute(_ type: CELType, openIsDynamic: Bool = false) -> CELType {
        var size = Self.maximumSize
        return substitute(type, openIsDynamic, &size)
    }

    private func substitute(_ type: CELType, _ openIsDynamic: Bool, _ size: inout Int) -> CELType {
        size -= 1
        guard size > 0 else { return .dyn }
        switch type {
        case .variable(let index):
            if let known = found[index] { return substitute(known, openIsDynamic, &size) }
            return openIsDynamic ? .dyn : type
        case .list(let element): return .list(substitute(element, openIsDynamic, &size))
        case .map(let key, let value):
            let key = substitute(key, openIsDynamic, &size)
            return .map(key, substitute(value, openIsDynamic, &size))
        case .optional(let inner): return .optional(substitute(inner, openIsDynamic, &size))
        case .type(let inner?): return .type(substitute(inner, openIsDynamic, &size))
        default: return type
        }
    }

    /// The type, or a dynamic one when it is too large.
    func limited(_ type: CELType) -> CELType {
        var left = Self.maximumSize
        func fits(_ type: CELType) -> Bool {
            left -= 1
            return left > 0 && type.parts.allSatisfy(fits)
        }
        return fits(type) ? type : .dyn
    }
}
