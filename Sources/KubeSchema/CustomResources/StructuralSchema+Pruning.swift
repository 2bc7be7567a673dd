public import KubeObject

extension StructuralSchema {
    /// Removes what the schema doesn't specify.
    ///
    /// - Returns: the paths of what was removed, sorted, at most 100: `spec.list[0].foo`.
    public func prune(_ object: inout JSON) -> [String] {
        var pruning = StructuralPruning()
        object = pruning.pruned(object, self, "", isResource: true)
        return pruning.removed.sorted(by: precedes)
    }
}

private struct StructuralPruning {
    private static let maximumTold = 100
    private(set) var removed: [String] = []

    private static let ofEveryObject: Set<String> = ["apiVersion", "kind", "metadata"]

    mutating func pruned(_ value: JSON, _ schema: StructuralSchema?, _ path: String, isResource: Bool) -> JSON {
        let keepsUnknown = schema?.preservesUnknownFields ?? false
        switch value {
        case .object(let members):
            // Beside a few values that go, most stay: the object is only made anew where something changed.
            var kept = members
            for (name, member) in members {
                if isResource, Self.ofEveryObject.contains(name) { continue }
                let memberPath = path.isEmpty ? name : "\(path).\(name)"
                if let property = schema?.properties[name] {
                    replace(&kept, name, member, property, memberPath)
                } else if let schema, case .schema(let additional) = schema.additionalProperties {
                    replace(&kept, name, member, additional, memberPath)
                } else if keepsUnknown {
                    continue
                } else if let schema, case .allowed(true) = schema.additionalProperties {
                    replace(&kept, name, member, nil, memberPath)
                } else {
                    if removed.count < Self.maximumTold { removed.append(memberPath) }
                    kept[name] = nil
                }
            }
            return .object(kept)
        case .array(let elements):
            if keepsUnknown, schema?.items == nil { return value }
            return .array(
                elements.enumerated().map { index, element in
                    let items = schema?.items
                    return pruned(element, items, "\(path)[\(index)]", isResource: items?.isEmbeddedResource ?? false)
                })
        default: return value
        }
    }

    private mutating func replace(
        _ members: inout JSONObject, _ name: String, _ member: JSON, _ schema: StructuralSchema?, _ path: String
    ) {
        switch member {
        case .object, .array:
            members[name] = pruned(member, schema, path, isResource: schema?.isEmbeddedResource ?? false)
        default: break
        }
    }
}
