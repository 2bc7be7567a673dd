import KubeObject

extension StructuralSchema {
    /// A custom object as it is kept: metadata in the shape that all objects have, without fields that nobody specified. Values are not
    /// checked here: `errors(in:)` does.
    ///
    /// - Throws: when the object, or the metadata of an object in it, doesn't have the shape of one.
    func decode(_ tree: JSON) throws(DecodeError) -> Decoded {
        guard tree.object != nil else {
            throw DecodeError(message: "json: cannot unmarshal \(tree.typeName) into Go value of type map[string]interface {}")
        }
        var unknown: [String] = []
        var tree = try coerced(tree, "", isResource: true, &unknown)
        unknown = prune(&tree) + unknown
        return Decoded(tree: tree, unknownFields: Array(unknown.prefix(100)))
    }

    private static let metadata = Schema.builtin.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")

    private func coerced(_ value: JSON, _ path: String, isResource: Bool, _ unknown: inout [String]) throws(DecodeError) -> JSON {
        switch value {
        case .object(var members):
            if isResource, let given = members["metadata"], let type = Self.metadata {
                if given.isNull {
                    members["metadata"] = nil
                } else {
                    let decoded = try type.decode(given)
                    members["metadata"] = decoded.tree
                    let prefix = path.isEmpty ? "metadata" : "\(path).metadata"
                    unknown += decoded.unknownFields.map { "\(prefix).\($0)" }
                }
            }
            if isResource {
                for name in ["apiVersion", "kind"] {
                    guard let given = members[name], given.string == nil else { continue }
                    if !path.isEmpty {
                        throw DecodeError(message: "\(FieldError.invalid("\(path).\(name)", given, "must be a string"))")
                    }
                    throw DecodeError(
                        message: "json: cannot unmarshal \(given.typeName) into Go struct field TypeMeta.\(name) of type string")
                }
            }
            guard embedsResources else { return .object(members) }
            for (name, member) in members {
                guard let schema = properties[name] ?? additionalSchema, schema.embedsResources || schema.isEmbeddedResource
                else { continue }
                let memberPath = path.isEmpty ? name : "\(path).\(name)"
                members[name] = try schema.coerced(member, memberPath, isResource: schema.isEmbeddedResource, &unknown)
            }
            return .object(members)
        case .array(let elements):
            guard let items, items.embedsResources || items.isEmbeddedResource else { return value }
            var coerced: [JSON] = []
            for (index, element) in elements.enumerated() {
                coerced.append(try items.coerced(element, "\(path)[\(index)]", isResource: items.isEmbeddedResource, &unknown))
            }
            return .array(coerced)
        default: return value
        }
    }
}
