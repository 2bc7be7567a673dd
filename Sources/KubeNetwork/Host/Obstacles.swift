import KubeObject

/// What on the machine stands in the pod network's way, as far as can be seen beforehand. Told to people, not mended: it's
/// somebody else's.
enum Obstacles {
    /// Chains of others that drop forwarded or incoming packets unless a rule of theirs lets them through: in nftables what
    /// one table accepts another may still drop.
    /// - Parameter chains: as `nft -j list chains` says.
    static func walls(in chains: JSON, besides table: TableName, podSubnet: IPv4Range) -> [String] {
        (chains["nftables"]?.elements ?? []).compactMap { entry in
            guard let chain = entry["chain"], chain["policy"]?.string == "drop", let hook = chain["hook"]?.string,
                hook == "forward" || hook == "input", let family = chain["family"]?.string, ["ip", "inet"].contains(family),
                let name = chain["name"]?.string, let other = chain["table"]?.string, other != table.name
            else { return nil }
            let rules =
                hook == "forward"
                ? "nft insert rule \(family) \(other) \(name) ip saddr \(podSubnet) accept; "
                    + "nft insert rule \(family) \(other) \(name) ip daddr \(podSubnet) accept"
                : "nft insert rule \(family) \(other) \(name) ip saddr \(podSubnet) accept"
            return "The chain \(name) of the table \(family) \(other) drops \(hook == "forward" ? "forwarded" : "incoming") "
                + "packets, pods' too, unless it's told otherwise: \(rules)"
        }
    }

    /// Routes to somewhere else within the pods' or services' addresses.
    /// - Parameter table: as in `/proc/net/route`. Routes to single addresses are pods' own.
    static func routes(in table: String, overlapping ranges: [IPv4Range]) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 8, let destination = UInt32(words[1], radix: 16), let mask = UInt32(words[7], radix: 16)
            else { return nil }
            let length = mask.nonzeroBitCount
            guard length > 0, length < 32,
                let route = IPv4Range("\(IPv4Address(number: UInt32(bigEndian: destination)))/\(length)"),
                let range = ranges.first(where: { $0.overlaps(route) })
            else { return nil }
            return "The machine has a route to \(route) by \(words[0]), which overlaps \(range): "
                + "choose another range for pods or services, or remove the route"
        }
    }
}
