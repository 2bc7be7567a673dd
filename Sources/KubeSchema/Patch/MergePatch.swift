public import KubeObject

/// JSON merge patch (RFC 7386): objects are merged, null removes, anything else replaces.
public enum MergePatch {
    /// - Throws: `BadRequest` when the patch isn't an object.
    public static func apply(_ patch: JSON, to tree: JSON) throws(StatusError) -> JSON {
        guard case .object(let members) = patch else { throw notAnObject(patch) }
        var result = tree
        merge(members, into: &result)
        return result
    }

    static func notAnObject(_ patch: JSON) -> StatusError {
        .badRequest(
            "error decoding patch: json: cannot unmarshal \(patch.typeName) into Go value of type map[string]interface {}")
    }

    private static func merge(_ patch: JSONObject, into tree: inout JSON) {
        var object = tree.object ?? JSONObject()
        tree = .null
        for (key, change) in patch {
            switch change {
            case .null: object[key] = nil
            case .object(let members):
                var child = object[key] ?? .null
                object[key] = .null
                merge(members, into: &child)
                object[key] = child
            default: object[key] = change
            }
        }
        tree = .object(object)
    }
}
