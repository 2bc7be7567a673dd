public import KubeObject

/// Strategic merge patch: a merge patch that knows from the type how lists are merged, with directives in the patch.
/// Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
public enum StrategicMergePatch {
    static let directive = "$patch"
    static let retainKeys = "$retainKeys"
    static let deleteFromPrimitiveList = "$deleteFromPrimitiveList/"
    static let setElementOrder = "$setElementOrder/"

    /// - Throws: `BadRequest` for a patch in a wrong format; code 422 for lists of lists; code 500 for what upstream has no
    ///   better answer to (an element without its merge key, an unknown directive).
    public static func apply(_ patch: JSON, to tree: JSON, type: TypeSchema) throws(StatusError) -> JSON {
        guard case .object(let members) = patch else { throw MergePatch.notAnObject(patch) }
        guard let original = tree.object else { throw .internalError("a strategic merge patch needs an object to be applied to") }
        return .object(try merge(members, into: original, .object(type)))
    }

    static func failure(_ message: String) -> StatusError { StatusError(code: 500, reason: "", message: message) }

    // MARK: Objects

    static func merge(_ patch: JSONObject, into original: JSONObject, _ schema: PatchSchema) throws(StatusError) -> JSONObject {
        var patch = patch
        if let value = patch[directive] {
            switch value {
            case "replace":
                patch[directive] = nil
                return patch
            case "delete": return JSONObject()
            default: throw unknownDirective(value, patch)
            }
        }
        var result = original
        try retainKeys(&patch, &result)
        try ElementOrder.mergeOrderedLists(&patch, &result, schema)
        for (name, value) in patch {
            let isDeletion = name.hasPrefix(deleteFromPrimitiveList)
            let key = isDeletion ? String(name.dropFirst(deleteFromPrimitiveList.count)) : name
            if value.isNull {
                result[key] = nil
                continue
            }
            switch (result[key], value) {
            case (.object(let old)?, .object(let new)):
                let member = try schema.member(key)
                result[key] = .object(member.strategy == "replace" ? new : try merge(new, into: old, member.schema))
            case (.array(let old)?, .array(let new)):
                let member = try schema.listMember(key)
                result[key] = .array(try mergeList(new, into: old, member, isDeletion: isDeletion))
            case (let old?, _) where old.typeName != value.typeName || old.isNull:
                if !isDeletion { result[key] = withoutDirectives(withoutNulls(value)) }
            case (nil, _):
                if !isDeletion { result[key] = withoutDirectives(withoutNulls(value)) }
            default: result[key] = withoutDirectives(value)
            }
        }
        return result
    }

    static func unknownDirective(_ value: JSON, _ patch: JSONObject) -> StatusError {
        failure("unknown patch type: \(value.goDescription) in map: \(JSON.object(patch).goDescription)")
    }

    /// `$retainKeys`: everything else is removed; the patch may name nothing else.
    private static func retainKeys(_ patch: inout JSONObject, _ original: inout JSONObject) throws(StatusError) {
        guard let list = patch.removeValue(forKey: retainKeys) else { return }
        guard let keys = list.array else { throw .badRequest("invalid patch format of retainKeys") }
        let retained = Set(keys.compactMap(\.string))
        for (key, value) in patch
        where !value.isNull && !key.hasPrefix(deleteFromPrimitiveList) && !key.hasPrefix(setElementOrder) {
            guard retained.contains(key) else { throw .badRequest("invalid patch format of retainKeys") }
        }
        original = original.filter { key, _ in retained.contains(key) }
    }

    /// Nil when the value is a directive itself.
    static func withoutDirectives(_ value: JSON) -> JSON? {
        switch value {
        case .object(let object):
            guard object[directive] == nil else { return nil }
            return .object(JSONObject(object.compactMap { key, value in withoutDirectives(value).map { (key, $0) } }))
        case .array(let elements): return .array(elements.compactMap(withoutDirectives))
        default: return value
        }
    }

    private static func withoutNulls(_ value: JSON) -> JSON {
        switch value {
        case .object(let object):
            return .object(JSONObject(object.compactMap { key, value in value.isNull ? nil : (key, withoutNulls(value)) }))
        case .array(let elements): return .array(elements.map(withoutNulls))
        default: return value
        }
    }
}
