import KubeObject

/// Kubernetes' own libraries: quantities, URLs, addresses and formats.
extension CELFunctions {
    static func kubernetes(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch (name, values.first, values.count) {
        case ("quantity", .string(let text)?, 1): return .quantity(try quantity(text))
        case ("isQuantity", .string(let text)?, 1): return .bool((try? Quantity(text)) != nil)
        case ("url", .string(let text)?, 1):
            guard let url = CELURL(text) else { throw CELError("URL parse error during conversion from string: \(text)") }
            return .url(url)
        case ("isURL", .string(let text)?, 1): return .bool(CELURL(text) != nil)
        case ("jsonpatch.escapeKey", .string(let text)?, 1):
            return .string(text.replacing("~", with: "~0").replacing("/", with: "~1"))
        case ("format.named", .string(let name)?, 1):
            return .optional(CELFormat(rawValue: name).map { .opaque($0) })
        case (_, nil, 0) where name.hasPrefix("format."):
            return CELFormat(rawValue: String(name.dropFirst("format.".count))).map { .opaque($0) }
        case ("semver", .string(let text)?, 1...2), ("isSemver", .string(let text)?, 1...2):
            var isTolerant = false
            if values.count == 2 {
                guard case .bool(let normalizes) = values[1] else { return nil }
                isTolerant = normalizes
            }
            let version = CELSemver(text, isTolerant: isTolerant)
            if name == "isSemver" { return .bool(version != nil) }
            guard let version else { throw CELError("semver parse error during conversion from string: \(text)") }
            return .opaque(version)
        case (_, .url(let url)?, 1):
            switch name {
            case "getScheme": return .string(url.scheme)
            case "getHost": return .string(url.host)
            case "getHostname": return .string(url.hostname)
            case "getPort": return .string(url.port)
            case "getEscapedPath": return .string(url.path)
            case "getQuery": return .map(url.queryValues.map { (.string($0.0), .list($0.1.map { .string($0) })) })
            default: return nil
            }
        case (_, .quantity(let quantity)?, _): return try self.quantity(name, quantity, values)
        default: return nil
        }
    }

    private static func quantity(_ text: String) throws(CELError) -> Quantity {
        do { return try Quantity(text) } catch { throw CELError(error.description) }
    }

    private static func quantity(_ name: String, _ quantity: Quantity, _ values: [CELValue]) throws(CELError) -> CELValue? {
        let unit: Int128 = 1_000_000_000
        if values.count == 1 {
            switch name {
            case "isInteger": return .bool(quantity.nanos % unit == 0)
            case "asInteger":
                guard quantity.nanos % unit == 0 else { throw CELError("cannot convert value to integer") }
                return .int(quantity.value)
            case "asApproximateFloat": return .double(Double(quantity.nanos) / 1e9)
            case "sign": return .int(Int64(quantity.nanos.signum()))
            default: return nil
            }
        }
        let other: Quantity
        switch values[1] {
        case .quantity(let value): other = value
        case .int(let value): other = Quantity(value)
        default: throw .noOverload(name)
        }
        switch name {
        case "add": return .quantity(quantity + other)
        case "sub": return .quantity(quantity - other)
        case "isGreaterThan": return .bool(quantity > other)
        case "isLessThan": return .bool(quantity < other)
        case "compareTo": return .int(quantity < other ? -1 : quantity == other ? 0 : 1)
        default: return nil
        }
    }

    static func network(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch (name, values.first, values.count) {
        case ("ip", .string(let text)?, 1): return .ip(try ip(text))
        case ("isIP", .string(let text)?, 1): return .bool(CELIP(text) != nil)
        case ("ip.isCanonical", .string(let text)?, 1): return .bool(try ip(text).text == text)
        case ("cidr", .string(let text)?, 1):
            guard let (ip, prefix) = CELIP.cidr(text) else {
                throw CELError("network address parse error during conversion from string: \(text)")
            }
            return .cidr(ip, prefix: prefix)
        case ("isCIDR", .string(let text)?, 1): return .bool(CELIP.cidr(text) != nil)
        case (_, .ip(let ip)?, 1):
            switch name {
            case "family": return .int(ip.isV4 ? 4 : 6)
            case "isUnspecified": return .bool(ip.isUnspecified)
            case "isLoopback": return .bool(ip.isLoopback)
            case "isLinkLocalMulticast": return .bool(ip.isLinkLocalMulticast)
            case "isLinkLocalUnicast": return .bool(ip.isLinkLocalUnicast)
            case "isGlobalUnicast": return .bool(ip.isGlobalUnicast)
            default: return nil
            }
        case (_, .cidr(let ip, let prefix)?, _): return try cidr(name, ip, prefix, values)
        default: return nil
        }
    }

    private static func ip(_ text: String) throws(CELError) -> CELIP {
        guard let ip = CELIP(text) else {
            throw CELError("IP Address \(JSON.string(text).text) parse error during conversion from string")
        }
        return ip
    }

    private static func cidr(_ name: String, _ ip: CELIP, _ prefix: Int, _ values: [CELValue]) throws(CELError) -> CELValue? {
        switch (name, values.count) {
        case ("ip", 1): return .ip(ip)
        case ("prefixLength", 1): return .int(Int64(prefix))
        case ("masked", 1): return .cidr(ip.masked(prefix), prefix: prefix)
        case ("containsIP", 2):
            let other: CELIP
            switch values[1] {
            case .ip(let value): other = value
            case .string(let text): other = try self.ip(text)
            default: throw .noOverload(name)
            }
            return .bool(other.isV4 == ip.isV4 && other.masked(prefix) == ip.masked(prefix))
        case ("containsCIDR", 2):
            let other: (CELIP, Int)
            switch values[1] {
            case .cidr(let ip, let prefix): other = (ip, prefix)
            case .string(let text):
                guard let cidr = CELIP.cidr(text) else { throw CELError("network address parse error: \(text)") }
                other = cidr
            default: throw .noOverload(name)
            }
            return .bool(other.0.isV4 == ip.isV4 && other.1 >= prefix && other.0.masked(prefix) == ip.masked(prefix))
        default: return nil
        }
    }
}
