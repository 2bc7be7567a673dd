import KubeObject

extension StrategicMergePatch {
    static func mergeList(
        _ patch: [JSON], into original: [JSON], _ member: PatchSchema.Member, isDeletion: Bool
    ) throws(StatusError) -> [JSON] {
        guard member.strategy == "merge" || isDeletion else { return patch }
        if patch.isEmpty, original.isEmpty { return original }
        let holdsObjects = try elementsAreObjects(original, patch)
        let merged: [JSON]
        var patchElements = patch
        var originalElements = original
        if !holdsObjects {
            if isDeletion {
                let deleted = Set(patch)
                return original.filter { !deleted.contains($0) }
            }
            merged = withoutDuplicates(original + patch)
        } else {
            guard !member.mergeKey.isEmpty else {
                throw failure("cannot merge lists without merge key for \(member.schema.name)")
            }
            (originalElements, patchElements) = try applyDirectives(patch, original, member.mergeKey)
            merged = try mergeElements(patchElements, into: originalElements, member)
        }
        return try ElementOrder.arrange(
            merged, by: patchElements, serverOrder: originalElements, mergeKey: holdsObjects ? member.mergeKey : nil)
    }

    /// Whether the elements are objects. They must all be of one type, and not lists.
    static func elementsAreObjects(_ lists: [JSON]...) throws(StatusError) -> Bool {
        var name: String?
        for element in lists.joined() {
            if case .array = element, name == nil {
                throw StatusError(
                    code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request",
                    details: [:])
            }
            guard name == nil || name == element.typeName else {
                let all = lists.map { JSON.array($0).goDescription }.joined(separator: " ")
                throw failure("list element types are not identical: [\(all)]")
            }
            name = element.typeName
        }
        guard let name else { throw failure("no elements in any of the given slices") }
        return name == "object"
    }

    /// Carries out `$patch: delete` and `$patch: replace` among a list's elements.
    private static func applyDirectives(
        _ patch: [JSON], _ original: [JSON], _ mergeKey: String
    ) throws(StatusError) -> (original: [JSON], patch: [JSON]) {
        var deleted: Set<JSON> = []
        var kept: [JSON] = []
        var isReplacement = false
        for element in patch {
            guard let value = element[directive] else {
                kept.append(element)
                continue
            }
            switch value {
            case "delete":
                guard let key = element[mergeKey] else { throw noMergeKey(element, mergeKey) }
                deleted.insert(key)
            case "replace": isReplacement = true
            case "merge": throw failure("merging lists cannot yet be specified in the patch")
            default: throw unknownDirective(value, element.object ?? JSONObject())
            }
        }
        if isReplacement { return (kept, []) }
        if deleted.isEmpty { return (original, kept) }
        for item in original where item[mergeKey] == nil { throw noMergeKey(item, mergeKey) }
        return (original.filter { !deleted.contains($0[mergeKey] ?? .null) }, kept)
    }

    private static func mergeElements(
        _ patch: [JSON], into original: [JSON], _ member: PatchSchema.Member
    ) throws(StatusError) -> [JSON] {
        var merged = original
        var positions: [JSON: Int] = [:]
        for (index, item) in original.enumerated() {
            guard let key = item[member.mergeKey] else { throw noMergeKey(item, member.mergeKey) }
            if positions[key] == nil { positions[key] = index }
        }
        for element in patch {
            guard let key = element[member.mergeKey] else { throw noMergeKey(element, member.mergeKey) }
            if let position = positions[key], let old = merged[position].object, let new = element.object {
                merged[position] = .object(try merge(new, into: old, member.schema))
            } else if let added = withoutDirectives(element) {
                positions[key] = merged.count
                merged.append(added)
            }
        }
        return merged
    }

    static func noMergeKey(_ element: JSON, _ key: String) -> StatusError {
        failure("map: \(element.goDescription) does not contain declared merge key: \(key)")
    }

    private static func withoutDuplicates(_ elements: [JSON]) -> [JSON] {
        var seen: Set<JSON> = []
        return elements.filter { seen.insert($0).inserted }
    }
}
