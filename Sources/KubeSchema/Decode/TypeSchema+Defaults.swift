public import KubeObject

extension TypeSchema {
    /// Sets the declared defaults (`+default`) wherever `tree` has none: in this object and in all objects that are there.
    ///
    /// A field that isn't a pointer counts as unset when it has the zero value, as in Go.
    public func applyDefaults(to tree: inout JSON) {
        if let custom { return custom.schema.applyDefaults(to: &tree) }
        guard hasDefaults, case .object = tree else { return }
        for field in fields {
            if let value = field.defaultValue, TypeSchema.isUnset(tree[field.jsonName], field.type) {
                tree[field.jsonName] = value
            } else if TypeSchema.object(in: field.type)?.hasDefaults == true, var value = tree[field.jsonName] {
                tree[field.jsonName] = .null
                TypeSchema.applyDefaults(to: &value, field.type)
                tree[field.jsonName] = value
            }
        }
    }

    private static func isUnset(_ value: JSON?, _ type: ValueType) -> Bool {
        guard let value, !value.isNull else { return true }
        return !type.isPointer && Zero.isEmpty(value, type.kind)
    }

    /// The object type at the bottom of lists and maps.
    static func object(in type: ValueType) -> TypeSchema? {
        type.kind == .list || type.kind == .map ? type.element.flatMap(object) : type.kind == .object ? type.object : nil
    }

    private static func applyDefaults(to value: inout JSON, _ type: ValueType) {
        switch (type.kind, value) {
        case (.object, .object): type.object?.applyDefaults(to: &value)
        case (.list, .array(var elements)):
            guard let element = type.element else { return }
            value = .null
            for index in elements.indices { applyDefaults(to: &elements[index], element) }
            value = .array(elements)
        case (.map, .object(let members)):
            guard let element = type.element else { return }
            value = .object(
                members.mapValues { member in
                    var member = member
                    applyDefaults(to: &member, element)
                    return member
                })
        default: break
        }
    }
}
