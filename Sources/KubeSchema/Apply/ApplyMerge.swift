import KubeObject

/// Puts an applied object over the live one: what is applied wins, what isn't stays.
enum ApplyMerge {
    static func merge(_ live: JSON?, _ applied: JSON?, _ shape: ApplyShape) -> JSON? {
        guard let applied else { return live }
        guard let live else { return applied }
        switch shape {
        case .map(let members):
            guard case .object(let left) = live, case .object(let right) = applied, !right.isEmpty || !left.isEmpty else {
                return applied
            }
            var result = left
            for (name, value) in right {
                result[name] = merge(left[name], value, ApplyShape.member(name, of: members, value: value).shape)
            }
            return .object(result)
        case .keyedList, .set:
            guard let left = shape.elements(of: live), let right = shape.elements(of: applied) else { return applied }
            return .array(merge(left, right, shape))
        case .scalar, .atomic: return applied
        }
    }

    /// The applied order counts; elements that only the live list has stay before what they stood before.
    private static func merge(
        _ left: [(PathElement, JSON)], _ right: [(PathElement, JSON)], _ shape: ApplyShape
    ) -> [JSON] {
        let live = Dictionary(left, uniquingKeysWith: { first, _ in first })
        let applied = Set(right.map(\.0))
        var result: [JSON] = []
        var next = 0
        func takeLiveOnly() {
            while next < left.count, !applied.contains(left[next].0) {
                result.append(left[next].1)
                next += 1
            }
        }
        for (element, value) in right {
            takeLiveOnly()
            if let merged = merge(live[element], value, shape.element(value)) { result.append(merged) }
            if next < left.count, left[next].0 == element { next += 1 }
        }
        while next < left.count {
            if !applied.contains(left[next].0) { result.append(left[next].1) }
            next += 1
        }
        return result
    }
}
