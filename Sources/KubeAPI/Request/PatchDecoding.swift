import KubeObject
import KubeRegistry

/// Reads patches, which say more in their errors than other bodies, each kind of them in its own words.
enum PatchDecoding {
    struct Decoded: Sendable {
        var tree: JSON
        /// Fields that came twice, or that a patch's operations don't have.
        var complaints: [String] = []
    }

    /// - Throws: 400.
    static func decode(_ bytes: [UInt8], _ type: PatchType, _ validation: FieldValidation) throws(StatusError) -> Decoded {
        if type == .apply { return try self.yaml(bytes, validation) }
        var duplicates: [String] = []
        let tree: JSON
        do {
            tree = try JSON.parse(bytes, duplicates: &duplicates)
        } catch {
            throw self.failure(type, validation, "\(error)")
        }
        if type == .json, tree.isNull { return Decoded(tree: .array([])) }
        if type == .merge, tree.isNull { throw .badRequest("Invalid JSON Patch") }
        guard validation != .ignore else { return Decoded(tree: tree) }
        guard type == .json else {
            guard tree.object != nil || tree.isNull else {
                throw self.failure(
                    type, validation, "json: cannot unmarshal \(tree.typeName) into Go value of type map[string]interface {}")
            }
            return Decoded(tree: tree, complaints: duplicates.map { "duplicate field \(JSON.string($0).text)" })
        }
        return Decoded(tree: tree, complaints: try self.operations(tree, duplicates))
    }

    /// The members of an operation, in the order in which upstream looks for them.
    private static let members: Set = ["op", "path", "from", "value"]

    private static func operations(_ tree: JSON, _ duplicates: [String]) throws(StatusError) -> [String] {
        func failure(_ value: JSON, _ target: String) -> StatusError {
            .badRequest("error decoding patch: json: cannot unmarshal \(value.typeName) into Go \(target)")
        }
        guard let operations = tree.array else { throw failure(tree, "value of type []handlers.jsonPatchOp") }
        var unknown: [String] = []
        for (index, operation) in operations.prefix(10_000).enumerated() {
            guard let object = operation.object else {
                throw failure(operation, "value of type handlers.jsonPatchOp")
            }
            for (name, value) in object {
                if !self.members.contains(name) {
                    if unknown.count < 100 {
                        unknown.append("json patch unknown field \(JSON.string("[\(index)].\(name)").text)")
                    }
                } else if name != "value", value.string == nil, !value.isNull {
                    throw failure(value, "struct field jsonPatchOp.\(name) of type string")
                }
            }
        }
        return unknown + duplicates.map { "json patch duplicate field \(JSON.string($0).text)" }
    }

    /// Nearly all clients send JSON, which is YAML as well, and read in a tenth of the time. What isn't quite JSON, or says something twice,
    /// is for YAML to judge.
    private static func yaml(_ bytes: [UInt8], _ validation: FieldValidation) throws(StatusError) -> Decoded {
        if bytes.first == UInt8(ascii: "{") {
            var duplicates: [String] = []
            do {
                let tree = try JSON.parse(bytes, duplicates: &duplicates)
                if duplicates.isEmpty { return Decoded(tree: tree) }
            } catch {}
        }
        var repeated: [YAML.RepeatedKey] = []
        let tree: JSON
        do {
            tree = try YAML.parse(bytes, repeated: &repeated).first ?? .null
        } catch {
            throw .badRequest("error decoding YAML: \(error)")
        }
        guard validation == .strict, !repeated.isEmpty else {
            return Decoded(tree: tree, complaints: repeated.map(\.description))
        }
        let refusal = BodyDecoding.refusal(repeated)
        return Decoded(tree: tree, complaints: ["error strict decoding YAML: error converting YAML to JSON: \(refusal)"])
    }

    private static func failure(_ type: PatchType, _ validation: FieldValidation, _ why: String) -> StatusError {
        switch (type, validation) {
        case (.strategicMerge, _), (.json, .ignore): .badRequest(why)
        case (.merge, .ignore): .badRequest("Invalid JSON Patch")
        default: .badRequest("error decoding patch: \(why)")
        }
    }
}
