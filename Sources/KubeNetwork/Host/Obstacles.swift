import KubeObject

/// What on the machine stands in the pod network's way, as far as can be seen beforehand. Told to people, not mended: it's
/// somebody else's.
enum Obstacles {
    /// Chains of others that drop forwarded or incoming packets unless a rule of theirs lets them through: in nftables what
    /// one table accepts another may still drop.
    /// - Parameter chains: as `nft -j list chains` says.
    static func walls(in chains: JSON, besides table: TableName, podSubnet: IPRange) -> [String] {
        let ip = podSubnet.family.header
        return (chains["nftables"]?.elements ?? []).compactMap { entry in
            guard let chain = entry["chain"], chain["policy"]?.string == "drop", let hook = chain["hook"]?.string,
                hook == "forward" || hook == "input", let family = chain["family"]?.string, [ip, "inet"].contains(family),
                let name = chain["name"]?.string, let other = chain["table"]?.string, other != table.name
            else { return nil }
            let rules =
                hook == "forward"
                ? "nft insert rule \(family) \(other) \(name) \(ip) saddr \(podSubnet) accept; "
                    + "nft insert rule \(family) \(other) \(name) \(ip) daddr \(podSubnet) accept"
                : "nft insert rule \(family) \(other) \(name) \(ip) saddr \(podSubnet) accept"
            return "The chain \(name) of the table \(family) \(other) drops \(hook == "forward" ? "forwarded" : "incoming") "
                + "packets, pods' too, unless it's told otherwise: \(rules)"
        }
    }

    /// Routes to somewhere else within the pods' or services' addresses.
    /// - Parameter table: as in `/proc/net/route`. Routes to single addresses are pods' own.
    static func routes(in table: String, overlapping ranges: [IPRange]) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 8, let destination = UInt32(words[1], radix: 16), let mask = UInt32(words[7], radix: 16)
            else { return nil }
            let length = mask.nonzeroBitCount
            guard length > 0, length < 32,
                let route = IPRange("\(IPAddress(number: UInt32(bigEndian: destination)))/\(length)"),
                let range = ranges.first(where: { $0.overlaps(route) })
            else { return nil }
            return problem(route, words[0], range)
        }
    }

    private static func problem(_ route: IPRange, _ interface: Substring, _ range: IPRange) -> String {
        "The machine has a route to \(route) by \(interface), which overlaps \(range): "
            + "choose another range for pods or services, or remove the route"
    }

    /// The same of IPv6.
    /// - Parameter table: as in `/proc/net/ipv6_route`: destination and its prefix length, source and its, next hop (all in hexadecimal),
    ///   metric, references, uses, flags and interface.
    static func routesSix(in table: String, overlapping ranges: [IPRange]) -> [String] {
        table.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 10, let length = Int(words[1], radix: 16), length > 0, length < 128, words[9] != "lo" else {
                return nil
            }
            let digits = Array(words[0])
            let octets = stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
            guard let address = IPAddress(octets: octets), address.family == .v6 else { return nil }
            let route = IPRange(address, length)
            guard let range = ranges.first(where: { $0.overlaps(route) }) else { return nil }
            return problem(route, words[9], range)
        }
    }
}
