import KubeObject
import KubeSchema

/// The rules for IP addresses and networks, in upstream's words. Each function returns what is wrong, nothing for a good value.
enum Addresses {
    static let addressMessage = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let networkMessage = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    static func ip(_ text: String) -> [String] {
        if CELIP(text) != nil { return [] }
        if CELIP(withoutLeadingZeros(text)) != nil { return ["must not have leading 0s"] }
        if let mapped = mappedIPv4(text), CELIP(mapped) != nil { return ["must not be an IPv4-mapped IPv6 address"] }
        return [addressMessage]
    }

    /// As `ip`, for fields that take one way of writing only.
    static func canonicalIP(_ text: String) -> [String] {
        let problems = ip(text)
        guard problems.isEmpty, let parsed = CELIP(text), parsed.text != text else { return problems }
        return ["must be in canonical form (\(quoted(parsed.text)))"]
    }

    static func cidr(_ text: String) -> [String] {
        if let (address, prefix) = CELIP.cidr(text) {
            return address.masked(prefix) == address ? [] : ["must not have bits set beyond the prefix length"]
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2,
            CELIP.cidr("\(withoutLeadingZeros(String(parts[0])))/\(withoutLeadingZeros(String(parts[1])))") != nil
        {
            return ["must not have leading 0s in IP or prefix length"]
        }
        return [networkMessage]
    }

    /// As `cidr`, for fields that take one way of writing only.
    static func canonicalCIDR(_ text: String) -> [String] {
        let problems = cidr(text)
        guard problems.isEmpty, let (address, prefix) = CELIP.cidr(text) else { return problems }
        let canonical = "\(address.text)/\(prefix)"
        return canonical == text ? [] : ["must be in canonical form (\(quoted(canonical)))"]
    }

    /// What may not be an endpoint's or an external address: addresses that mean something else on each machine.
    static func special(_ text: String) -> [String] {
        guard let ip = CELIP(text) else { return ["must be a valid IP address"] }
        var problems: [String] = []
        if ip.isUnspecified { problems.append("may not be unspecified (\(text))") }
        if ip.isLoopback { problems.append("may not be in the loopback range (127.0.0.0/8, ::1/128)") }
        if ip.isLinkLocalUnicast { problems.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)") }
        if ip.isLinkLocalMulticast {
            problems.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
        return problems
    }

    static func isIP(_ text: String) -> Bool { CELIP(text) != nil }
    static func isIPv6(_ text: String) -> Bool { CELIP(text).map { !$0.isV4 } ?? false }

    /// Whether there is at least one address of each family. Nil when one of them is no address.
    static func isDualStack(_ addresses: [String]) -> Bool? {
        let parsed = addresses.compactMap { CELIP($0) }
        guard parsed.count == addresses.count else { return nil }
        return parsed.contains(where: \.isV4) && parsed.contains { !$0.isV4 }
    }

    /// As `isDualStack`, of networks.
    static func isDualStackNetworks(_ networks: [String]) -> Bool? {
        let parsed = networks.compactMap { CELIP.cidr($0)?.0 }
        guard parsed.count == networks.count else { return nil }
        return parsed.contains(where: \.isV4) && parsed.contains { !$0.isV4 }
    }

    /// Whether `inner` is a part of `outer`, and not all of it. Nil when one of them is no network.
    static func isStrictSubset(_ inner: String, of outer: String) -> Bool? {
        guard let (outside, outerPrefix) = CELIP.cidr(outer), let (inside, innerPrefix) = CELIP.cidr(inner) else { return nil }
        return outside.isV4 == inside.isV4 && outerPrefix < innerPrefix
            && inside.masked(outerPrefix) == outside.masked(outerPrefix)
    }

    private static func withoutLeadingZeros(_ text: String) -> String {
        guard !text.contains(":") else { return text }
        return text.split(separator: ".", omittingEmptySubsequences: false).map { part in
            let rest = part.drop { $0 == "0" }
            return rest.isEmpty ? String(part.prefix(1)) : String(rest)
        }.joined(separator: ".")
    }

    private static func mappedIPv4(_ text: String) -> String? {
        text.lowercased().hasPrefix("::ffff:") ? String(text.dropFirst(7)) : nil
    }
}
