public import KubeObject

/// JSON patch (RFC 6902), with upstream's answers to patches that don't apply.
public enum JSONPatch {
    /// More operations are refused.
    public static let maximumOperations = 10_000
    /// The most bytes that one patch may copy; otherwise a few operations that copy what the last one made would fill memory.
    static let maximumCopiedBytes = 3 * 1024 * 1024
    /// How deep a patch may make a tree: less than what `JSON` reads, because the outcome is read again.
    static let maximumDepth = 500

    /// - Throws: `BadRequest` when `operations` isn't a patch; `RequestEntityTooLarge` when it has too many operations;
    ///   code 422 when an operation doesn't apply, or a test fails. All or nothing is done.
    public static func apply(_ operations: JSON, to tree: JSON) throws(StatusError) -> JSON {
        guard case .array(let list) = operations else {
            throw .badRequest("json: cannot unmarshal \(operations.typeName) into Go value of type jsonpatch.Patch")
        }
        for operation in list { try check(operation) }
        guard list.count <= maximumOperations else {
            throw .requestEntityTooLarge(
                "The allowed maximum operations in a JSON patch is \(maximumOperations), got \(list.count)")
        }
        var result = tree
        var copied = 0
        for operation in list {
            guard apply(operation, &result, &copied), copied <= maximumCopiedBytes else { throw notApplicable() }
        }
        return result
    }

    /// - Throws: `BadRequest` for what no operation can be, before any is carried out.
    private static func check(_ operation: JSON) throws(StatusError) {
        func refuse(_ why: String) -> StatusError { .badRequest("invalid operation \(operation.text): \(why)") }
        guard operation.object != nil || operation.isNull else {
            throw .badRequest("json: cannot unmarshal \(operation.typeName) into Go value of type jsonpatch.Operation")
        }
        func member(_ key: String) -> String {
            "failed to decode '\(key)': operation, missing \(key) field: missing value"
        }
        switch operation["op"]?.string {
        case "add", "replace": if operation["value"] == nil { throw refuse(member("value")) }
        case "copy", "move": if operation["from"]?.string == nil { throw refuse(member("from")) }
        case "remove", "test": break
        default: throw refuse("unsupported operation")
        }
        if operation["path"]?.string == nil {
            throw refuse("failed to decode 'path': operation missing path field: missing value")
        }
    }

    /// Upstream hides what its library said.
    private static func notApplicable() -> StatusError {
        StatusError(
            code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request", details: [:])
    }

    private static func apply(_ operation: JSON, _ tree: inout JSON, _ copied: inout Int) -> Bool {
        guard let name = operation["op"]?.string, let path = operation["path"]?.string.flatMap(JSONPointer.init) else {
            return false
        }
        switch name {
        case "add": return operation["value"].map { add($0, path, &tree) } ?? false
        case "remove": return remove(path, &tree)
        case "replace": return operation["value"].map { replace($0, path, &tree) } ?? false
        case "test":
            // A missing member equals null; a missing place has no value at all.
            guard let found = path.value(in: tree) else {
                return path.parentIsObject(in: tree) && (operation["value"]?.isNull ?? true)
            }
            return found == (operation["value"] ?? .null)
        case "copy", "move":
            guard let from = operation["from"]?.string.flatMap(JSONPointer.init), let value = from.value(in: tree) else {
                return false
            }
            if name == "move" {
                guard remove(from, &tree) else { return false }
            } else {
                copied += value.encoded().count
            }
            return add(value, path, &tree)
        default: return false
        }
    }

    private static func isDeeper(_ value: JSON, than limit: Int) -> Bool {
        switch value {
        case .object where limit <= 0, .array where limit <= 0: true
        case .object(let members): members.values.contains { isDeeper($0, than: limit - 1) }
        case .array(let elements): elements.contains { isDeeper($0, than: limit - 1) }
        default: false
        }
    }

    private static func add(_ value: JSON, _ path: JSONPointer, _ tree: inout JSON) -> Bool {
        // The whole can be replaced, but nothing can be added to it.
        guard !isDeeper(value, than: maximumDepth - path.tokens.count), !path.tokens.isEmpty else { return false }
        return path.changeParent(in: &tree) { parent, token in
            switch parent {
            case .object:
                parent[token] = value
                return true
            case .array(var array):
                parent = .null
                defer { parent = .array(array) }
                if token == "-" {
                    array.append(value)
                    return true
                }
                // An element may also be put after the last one.
                guard let index = JSONPointer.index(token, array.count + 1) else { return false }
                array.insert(value, at: index)
                return true
            default: return false
            }
        }
    }

    private static func remove(_ path: JSONPointer, _ tree: inout JSON) -> Bool {
        path.changeParent(in: &tree) { parent, token in
            switch parent {
            case .object(let object):
                guard object[token] != nil else { return false }
                parent[token] = nil
                return true
            case .array(var array):
                guard let index = JSONPointer.index(token, array.count) else { return false }
                array.remove(at: index)
                parent = .array(array)
                return true
            default: return false
            }
        }
    }

    private static func replace(_ value: JSON, _ path: JSONPointer, _ tree: inout JSON) -> Bool {
        guard !isDeeper(value, than: maximumDepth - path.tokens.count) else { return false }
        if path.tokens.isEmpty {
            tree = value
            return true
        }
        return path.changeParent(in: &tree) { parent, token in
            switch parent {
            case .object(let object):
                guard object[token] != nil else { return false }
                parent[token] = value
                return true
            case .array(let array):
                guard let index = JSONPointer.index(token, array.count) else { return false }
                parent[index] = value
                return true
            default: return false
            }
        }
    }
}
