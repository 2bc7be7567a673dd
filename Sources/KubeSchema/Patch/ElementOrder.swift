import KubeObject

/// The order of a merged list's elements: those of the patch keep the patch's order, those that only the server has keep
/// the server's, and where both are free the server's decides.
enum ElementOrder {
    /// Merges the lists that come with a `$setElementOrder` list, and takes both out of the patch.
    static func mergeOrderedLists(_ patch: inout JSONObject, _ original: inout JSONObject, _ schema: PatchSchema)
        throws(StatusError)
    {
        for (name, value) in patch where name.hasPrefix(StrategicMergePatch.setElementOrder) {
            patch[name] = nil
            guard let order = value.array else {
                throw StrategicMergePatch.failure("expected a []interface {}, but received a \(value.goTypeName)")
            }
            let key = String(name.dropFirst(StrategicMergePatch.setElementOrder.count))
            let originalList = try list(original[key])
            let patchList = try list(patch[key])
            let member = try schema.listMember(key)
            try check(patchList ?? [], against: order, member.mergeKey)
            let merged: [JSON]
            switch (originalList, patchList) {
            case (let original?, nil): merged = original
            case (nil, let patch?): merged = StrategicMergePatch.withoutDirectives(.array(patch))?.array ?? []
            case (let original?, let patch?):
                merged = try StrategicMergePatch.mergeList(patch, into: original, member, isDeletion: false)
            case (nil, nil): continue
            }
            patch[key] = nil
            let isObjects = try StrategicMergePatch.elementsAreObjects(originalList ?? [], patchList ?? [])
            original[key] = .array(
                try arrange(merged, by: order, serverOrder: originalList ?? [], mergeKey: isObjects ? member.mergeKey : nil))
        }
    }

    private static func list(_ value: JSON?) throws(StatusError) -> [JSON]? {
        switch value {
        case nil: return nil
        case .array(let elements)?: return elements
        case let other?: throw StrategicMergePatch.failure("expected a []interface {}, but received a \(other.goTypeName)")
        }
    }

    /// Every element of the patch's list has to stand in the order list, in the same order.
    private static func check(_ patch: [JSON], against order: [JSON], _ mergeKey: String) throws(StatusError) {
        guard !patch.isEmpty, !order.isEmpty else { return }
        let elements = patch.filter { $0[StrategicMergePatch.directive] == nil }
        var next = 0
        for place in order where next < elements.count {
            if identity(elements[next], mergeKey.isEmpty ? nil : mergeKey) == identity(place, mergeKey.isEmpty ? nil : mergeKey) {
                next += 1
            }
        }
        guard next == elements.count else {
            throw StrategicMergePatch.failure(
                """
                The order in patch list:
                \(JSON.array(patch).goDescription)
                 doesn't match $setElementOrder list:
                \(JSON.array(order).goDescription)

                """)
        }
    }

    /// What tells an element from the others: itself, or its merge key's value.
    private static func identity(_ element: JSON, _ mergeKey: String?) -> JSON {
        mergeKey.map { element[$0] ?? .null } ?? element
    }

    static func arrange(
        _ elements: [JSON], by order: [JSON], serverOrder: [JSON], mergeKey: String?
    ) throws(StatusError) -> [JSON] {
        if let mergeKey {
            for element in elements + order + serverOrder where element[mergeKey] == nil {
                throw StrategicMergePatch.noMergeKey(element, mergeKey)
            }
        }
        let inOrder = positions(order, mergeKey)
        let onServer = positions(serverOrder, mergeKey)
        // What the server has stands in its order; what it does not know comes last.
        var fromPatch: [(place: Int, element: JSON)] = []
        var serverOnly: [(place: Int, element: JSON)] = []
        for element in elements {
            let identity = identity(element, mergeKey)
            if let place = inOrder[identity] {
                fromPatch.append((place, element))
            } else {
                serverOnly.append((onServer[identity] ?? Int.max, element))
            }
        }
        // `sort` is stable.
        fromPatch.sort { $0.place < $1.place }
        serverOnly.sort { $0.place < $1.place }
        var result: [JSON] = []
        result.reserveCapacity(elements.count)
        var left = serverOnly[...]
        var right = fromPatch[...]
        while let own = left.first, let other = right.first {
            if own.place < Int.max, let place = onServer[identity(other.element, mergeKey)], own.place < place {
                result.append(own.element)
                left = left.dropFirst()
            } else {
                result.append(other.element)
                right = right.dropFirst()
            }
        }
        return result + left.map(\.element) + right.map(\.element)
    }

    private static func positions(_ list: [JSON], _ mergeKey: String?) -> [JSON: Int] {
        Dictionary(list.enumerated().map { (identity($0.element, mergeKey), $0.offset) }, uniquingKeysWith: { first, _ in first })
    }
}

extension JSON {
    /// Go's name of the type that a value is decoded into; only for messages.
    fileprivate var goTypeName: String {
        switch self {
        case .null: "<nil>"
        case .bool: "bool"
        case .int: "int64"
        case .double: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }
}
