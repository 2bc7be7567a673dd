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

    /// The applied order counts; elements that only the live list has stay where they stood between the others.
    ///
    /// A live list may hold an element twice (from before its type was a set or had keys); an applied one doesn't.
    private static func merge(
        _ left: [(PathElement, JSON)], _ right: [(PathElement, JSON)], _ shape: ApplyShape
    ) -> [JSON] {
        let live = Dictionary(left, uniquingKeysWith: { first, _ in first })
        let applied = Dictionary(right, uniquingKeysWith: { first, _ in first })
        // The elements of both, in the applied order: live elements are only waited for when theirs is the turn.
        var shared = right.map(\.0).filter { live[$0] != nil }[...]
        var merged: Set<PathElement> = []
        var result: [JSON] = []
        var leftIndex = 0
        var rightIndex = 0
        func take(_ element: PathElement, _ value: JSON) {
            merged.insert(element)
            if let value = merge(live[element], value, shape.element(value)) { result.append(value) }
            if shared.first == element { shared.removeFirst() }
        }
        while leftIndex < left.count || rightIndex < right.count {
            if leftIndex < left.count, rightIndex < right.count {
                let element = left[leftIndex].0
                if element == right[rightIndex].0 {
                    take(element, right[rightIndex].1)
                    leftIndex += 1
                    rightIndex += 1
                    continue
                }
                if applied[element] != nil, shared.first != element {
                    leftIndex += 1
                    continue
                }
            }
            if leftIndex < left.count {
                let (element, value) = left[leftIndex]
                if applied[element] == nil {
                    result.append(value)
                    leftIndex += 1
                    continue
                }
                if merged.contains(element) { leftIndex += 1 }
            }
            if rightIndex < right.count {
                take(right[rightIndex].0, right[rightIndex].1)
                rightIndex += 1
            }
        }
        return result
    }
}
