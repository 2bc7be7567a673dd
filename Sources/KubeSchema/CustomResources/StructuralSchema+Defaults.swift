public import KubeObject

extension StructuralSchema {
    /// Sets defaults where there is nothing, or a null that isn't allowed, and drops the other nulls that aren't allowed: of what a
    /// client sent and of what comes from storage alike.
    public func applyDefaults(to value: inout JSON) {
        switch value {
        case .object(var members):
            value = .null
            for name in propertyNames {
                guard let property = properties[name], let given = property.defaultValue else { continue }
                let member = members[name]
                if member == nil || member == .null && !property.isNullable { members[name] = given }
            }
            for (name, member) in members {
                guard let schema = properties[name] ?? additionalSchema else { continue }
                if member.isNull, !schema.isNullable {
                    members[name] = schema.defaultValue
                    continue
                }
                guard schema.reachesDefaults(member) else { continue }
                var changed = member
                members[name] = .null
                schema.applyDefaults(to: &changed)
                members[name] = changed
            }
            value = .object(members)
        case .array(var elements):
            guard let items else { return }
            value = .null
            for index in elements.indices {
                if elements[index].isNull, !items.isNullable, let given = items.defaultValue { elements[index] = given }
                items.applyDefaults(to: &elements[index])
            }
            value = .array(elements)
        default: break
        }
    }

    private func reachesDefaults(_ value: JSON) -> Bool {
        switch value {
        case .object, .array: true
        default: false
        }
    }
}
