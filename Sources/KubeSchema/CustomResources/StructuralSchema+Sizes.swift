import KubeObject

extension StructuralSchema {
    /// What a request may carry, which bounds whatever has no limit of its own.
    static let maximumRequest: Int64 = 3 * 1024 * 1024

    /// The types and sizes that rules see; nil for what they don't see.
    ///
    /// - Parameter isResource: whether this is the root of an object, whose names rules always see.
    func sizes(isResource: Bool) -> CELSizes? {
        if isIntOrString {
            return CELSizes(.dyn, most: Self.size(limits.maxLength, factor: 4, orElse: Self.maximumRequest - 2), leastBytes: 1)
        }
        switch type {
        case "array":
            guard let items, let element = items.sizes(isResource: items.isEmbeddedResource) else { return nil }
            let fitting = (Self.maximumRequest - 2) / (Int64(clamping: element.leastBytes) + 1)
            return CELSizes(
                .list(element.type), element: element, most: Self.size(limits.maxItems, orElse: fitting), leastBytes: 2)
        case "object": return objectSizes(isResource: isResource)
        case "string": return textSizes
        case "boolean": return CELSizes(.bool, leastBytes: 4)
        case "number": return CELSizes(.double, leastBytes: 1)
        case "integer": return CELSizes(.int, leastBytes: 1)
        default: return nil
        }
    }

    private static func size(_ limit: Int64?, factor: Int64 = 1, orElse fitting: Int64) -> UInt64 {
        guard let limit else { return UInt64(clamping: fitting) }
        let (product, overflow) = max(0, limit).multipliedReportingOverflow(by: factor)
        return overflow ? UInt64(Int64.max) : UInt64(product)
    }

    private static let text = CELSizes(.string, most: UInt64(maximumRequest - 2), leastBytes: 2)

    private func objectSizes(isResource: Bool) -> CELSizes? {
        if let additionalSchema, !isResource || properties.isEmpty {
            guard let element = additionalSchema.sizes(isResource: additionalSchema.isEmbeddedResource) else { return nil }
            // A key, quotes, a colon and a comma.
            let fitting = (Self.maximumRequest - 2) / (Int64(clamping: element.leastBytes) + 6)
            return CELSizes(
                .map(.string, element.type), key: CELSizes(.string, leastBytes: 2), element: element,
                most: Self.size(limits.maxProperties, orElse: fitting), leastBytes: 2)
        }
        var fields: [String: CELSizes] = [:]
        var leastBytes: UInt64 = 2
        var known: [(name: String, sizes: CELSizes?, hasDefault: Bool)] = properties.map { name, property in
            (name, property.sizes(isResource: property.isEmbeddedResource), property.defaultValue != nil)
        }
        if isResource {
            let names = CELSizes(.object("object"), fields: ["name": Self.text, "generateName": Self.text], leastBytes: 2)
            known.removeAll { ["kind", "apiVersion", "metadata"].contains($0.name) }
            known += [("kind", Self.text, false), ("apiVersion", Self.text, false), ("metadata", names, false)]
        }
        let required = Set(required)
        for (name, sizes, hasDefault) in known {
            guard let sizes else { continue }
            if let escaped = CELNames.escape(name) { fields[escaped] = sizes }
            if required.contains(name), !hasDefault { leastBytes += UInt64(name.utf8.count) + sizes.leastBytes + 4 }
        }
        return CELSizes(.object("object"), fields: fields, leastBytes: leastBytes)
    }

    private var textSizes: CELSizes {
        let whole = Self.maximumRequest - 2
        switch limits.format {
        case "byte": return CELSizes(.bytes, most: Self.size(limits.maxLength, orElse: whole), leastBytes: 2)
        case "duration": return CELSizes(.duration, most: 32, leastBytes: 3)
        case "date": return CELSizes(.timestamp, most: 12, leastBytes: 12)
        case "date-time": return CELSizes(.timestamp, most: 32, leastBytes: 21)
        default: break
        }
        if limits.maxLength == nil, let allowed = limits.allowed {
            return CELSizes(.string, most: UInt64(allowed.compactMap { $0.string?.utf8.count }.max() ?? 0), leastBytes: 2)
        }
        return CELSizes(.string, most: Self.size(limits.maxLength, factor: 4, orElse: whole), leastBytes: 2)
    }
}

extension CELSizes {
    /// The type under a name of its own, with the fields of it and of what is below in `objects`.
    func declared(_ name: String, in objects: inout [String: [String: CELType]]) -> CELType {
        switch type {
        case .object:
            var types: [String: CELType] = [:]
            for (field, sizes) in fields { types[field] = sizes.declared("\(name).\(field)", in: &objects) }
            objects[name] = types
            return .object(name)
        case .list: return .list(element?.declared("\(name).@idx", in: &objects) ?? .dyn)
        case .map: return .map(.string, element?.declared("\(name).@elem", in: &objects) ?? .dyn)
        default: return type
        }
    }
}
