import KubeObject

extension StructuralSchema {
    /// The value as rules see it: numbers are floating-point, strings of some formats are bytes and times.
    func celValue(_ value: JSON) -> CELValue {
        guard differsInCEL else { return CELValue(value) }
        let numeric = withDoubles(value)
        return hasFormatsOfCEL ? formatted(numeric) : CELValue(numeric)
    }

    /// Whole numbers of a `number` field become floating-point, so that they can be reckoned with.
    private func withDoubles(_ value: JSON) -> JSON {
        guard differsInCEL else { return value }
        switch value {
        case .int(let number) where type == "number": return .double(Double(number))
        case .array(let elements):
            guard let items, items.differsInCEL else { return value }
            return .array(elements.map { items.withDoubles($0) })
        case .object(var members):
            for (name, member) in members {
                guard let schema = properties[name] ?? additionalSchema, schema.differsInCEL else { continue }
                members[name] = schema.withDoubles(member)
            }
            return .object(members)
        default: return value
        }
    }

    private func formatted(_ value: JSON) -> CELValue {
        guard hasFormatsOfCEL else { return CELValue(value) }
        switch value {
        case .string(let text):
            switch limits.format {
            case "byte": return Base64.decode(text).map { .bytes(Array($0)) } ?? .string(text)
            case "date": return time("\(text)T00:00:00Z") ?? .string(text)
            case "date-time": return time(text) ?? .string(text)
            case "duration": return StringFormat.nanoseconds(text).map { .duration($0) } ?? .string(text)
            default: return .string(text)
            }
        case .array(let elements):
            guard let items, items.hasFormatsOfCEL else { return CELValue(value) }
            return .list(elements.map { items.formatted($0) })
        case .object(let members):
            return .map(
                members.map { name, member in
                    (.string(name), (properties[name] ?? additionalSchema)?.formatted(member) ?? CELValue(member))
                })
        default: return CELValue(value)
        }
    }

    private func time(_ text: String) -> CELValue? {
        do { return .timestamp(try CELConversion.timestamp(text)) } catch { return nil }
    }
}
