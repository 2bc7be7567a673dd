public import KubeObject

/// Which fields differ between two versions of an object.
public struct FieldComparison: Sendable {
    public private(set) var added = FieldSet()
    public private(set) var removed = FieldSet()
    public private(set) var modified = FieldSet()

    public init(_ old: JSON, _ new: JSON, type: TypeSchema?) {
        var path: [PathElement] = []
        compare(old, new, ApplyShape(type), &path)
    }

    public var isEmpty: Bool { added.isEmpty && removed.isEmpty && modified.isEmpty }

    /// What has another value than before, or had none.
    public var touched: FieldSet { modified.union(added) }

    private mutating func compare(_ old: JSON?, _ new: JSON?, _ shape: ApplyShape, _ path: inout [PathElement]) {
        if let old, let new, old == new { return }
        var isLeaf = true
        switch shape {
        case .map(let members):
            let left = old?.object ?? [:]
            let right = new?.object ?? [:]
            guard !(left.isEmpty && right.isEmpty), old.map({ $0.object != nil || $0.isNull }) ?? true,
                new.map({ $0.object != nil || $0.isNull }) ?? true
            else { break }
            isLeaf = false
            for (name, value) in left {
                path.append(.field(name))
                let other = right[name]
                compare(value, other, ApplyShape.member(name, of: members, value: other ?? value).shape, &path)
                path.removeLast()
            }
            for (name, value) in right where left[name] == nil {
                path.append(.field(name))
                compare(nil, value, ApplyShape.member(name, of: members, value: value).shape, &path)
                path.removeLast()
            }
        case .keyedList, .set:
            let left = shape.elements(of: old) ?? []
            let right = shape.elements(of: new) ?? []
            guard !(left.isEmpty && right.isEmpty) else { break }
            isLeaf = false
            let others = Dictionary(right, uniquingKeysWith: { first, _ in first })
            let known = Set(left.map(\.0))
            for (element, value) in left {
                path.append(element)
                compare(value, others[element], shape.element(value), &path)
                path.removeLast()
            }
            for (element, value) in right where !known.contains(element) {
                path.append(element)
                compare(nil, value, shape.element(value), &path)
                path.removeLast()
            }
        case .scalar, .atomic: break
        }
        if old == nil {
            added.insert(path)
        } else if new == nil {
            removed.insert(path)
        } else if isLeaf {
            modified.insert(path)
        }
    }
}

extension FieldComparison {
    /// Without the fields in `paths` and everything below them.
    func removing(_ paths: FieldSet) -> FieldComparison {
        if paths.isEmpty { return self }
        var result = self
        result.added = added.removing(paths)
        result.removed = removed.removing(paths)
        result.modified = modified.removing(paths)
        return result
    }
}
