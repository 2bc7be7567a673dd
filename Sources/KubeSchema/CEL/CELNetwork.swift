/// An IP address, without a zone and never IPv4 in IPv6.
public struct CELIP: Sendable, Hashable {
    /// 4 or 16 octets.
    public let octets: [UInt8]

    /// Whether it is an IPv4 address.
    public var isV4: Bool { octets.count == 4 }

    /// - Parameter octets: 4 or 16.
    public init(octets: [UInt8]) { self.octets = octets }

    /// Nil for what is no address, or an IPv4 address in IPv6 or with leading zeros.
    public init?(_ text: String) {
        if !text.contains(":") {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4 else { return nil }
            var octets: [UInt8] = []
            for part in parts {
                guard let value = UInt8(part), part.utf8.allSatisfy({ $0 &- 0x30 < 10 }), part.count == 1 || !part.hasPrefix("0")
                else {
                    return nil
                }
                octets.append(value)
            }
            self.octets = octets
            return
        }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2, !text.contains(".") else { return nil }
        func groups(_ text: Substring) -> [UInt16]? {
            if text.isEmpty { return [] }
            var groups: [UInt16] = []
            for part in text.split(separator: ":", omittingEmptySubsequences: false) {
                guard (1...4).contains(part.count), let value = UInt16(part, radix: 16), !part.hasPrefix("+"),
                    !part.hasPrefix("-")
                else {
                    return nil
                }
                groups.append(value)
            }
            return groups
        }
        guard let head = groups(halves[0]) else { return nil }
        var all = head
        if halves.count == 2 {
            guard let tail = groups(halves[1]), head.count + tail.count < 8 else { return nil }
            all += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard all.count == 8 else { return nil }
        octets = all.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }

    /// The canonical text (RFC 5952).
    public var text: String {
        if isV4 { return octets.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1]) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > best.count, end - index > 1 { best = index..<end }
            index = max(end, index + 1)
        }
        func join(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        return best.isEmpty ? join(groups[...]) : "\(join(groups[..<best.lowerBound]))::\(join(groups[best.upperBound...]))"
    }

    /// `0.0.0.0` and `::`.
    public var isUnspecified: Bool { octets.allSatisfy { $0 == 0 } }
    /// `127.0.0.0/8` and `::1`.
    public var isLoopback: Bool { isV4 ? octets[0] == 127 : octets.dropLast().allSatisfy { $0 == 0 } && octets[15] == 1 }
    var isMulticast: Bool { isV4 ? octets[0] & 0xF0 == 0xE0 : octets[0] == 0xFF }
    /// `224.0.0.0/24` and `ff02::/16`.
    public var isLinkLocalMulticast: Bool {
        isV4 ? octets[0] == 224 && octets[1] == 0 && octets[2] == 0 : octets[0] == 0xFF && octets[1] & 0x0F == 0x02
    }
    /// `169.254.0.0/16` and `fe80::/10`.
    public var isLinkLocalUnicast: Bool {
        isV4 ? octets[0] == 169 && octets[1] == 254 : octets[0] == 0xFE && octets[1] & 0xC0 == 0x80
    }
    var isGlobalUnicast: Bool {
        !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast && !(isV4 && octets == [255, 255, 255, 255])
    }

    /// With all bits after `prefix` cleared.
    public func masked(_ prefix: Int) -> CELIP {
        CELIP(
            octets: octets.enumerated().map { index, octet in
                let bits = max(0, min(8, prefix - index * 8))
                return bits == 0 ? 0 : octet & (0xFF << UInt8(8 - bits))
            })
    }

    /// `ADDRESS/PREFIX`, or nil.
    public static func cidr(_ text: String) -> (CELIP, Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let ip = CELIP(String(parts[0])), let prefix = Int(parts[1]),
            parts[1].utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            prefix <= ip.octets.count * 8, parts[1].count == 1 || !parts[1].hasPrefix("0")
        else { return nil }
        return (ip, prefix)
    }
}

/// An absolute URL, cut into its parts.
public struct CELURL: Sendable, Hashable {
    let text: String
    let scheme: String
    /// Host and port as they stand.
    let host: String
    let path: String
    let query: String

    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        self.text = text
        var rest = Substring(text)
        if let hash = rest.firstIndex(of: "#") { rest = rest[..<hash] }
        var query = ""
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        self.query = query
        if rest.hasPrefix("/") {
            scheme = ""
            host = ""
            path = String(rest)
            return
        }
        guard let colon = rest.firstIndex(of: ":") else { return nil }
        let scheme = rest[..<colon]
        guard let first = scheme.first, first.isASCII, first.isLetter,
            scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return nil }
        self.scheme = scheme.lowercased()
        rest = rest[rest.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        rest = rest.dropFirst(2)
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<end]
        host = String(authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority)
        path = String(rest[end...])
    }

    var hostname: String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<end])
        }
        return String(host.split(separator: ":", omittingEmptySubsequences: false).first ?? "")
    }

    var port: String {
        let rest = host.hasPrefix("[") ? host[(host.firstIndex(of: "]") ?? host.startIndex)...] : host[...]
        guard let colon = rest.lastIndex(of: ":") else { return "" }
        return String(rest[rest.index(after: colon)...])
    }

    /// Each name's values, decoded.
    var queryValues: [(String, [String])] {
        var values: [(String, [String])] = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decode(pair[0])
            let value = pair.count == 2 ? Self.decode(pair[1]) : ""
            if let index = values.firstIndex(where: { $0.0 == name }) {
                values[index].1.append(value)
            } else {
                values.append((name, [value]))
            }
        }
        return values
    }

    private static func decode(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "+") {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%"), let high = iterator.next(), let low = iterator.next(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
