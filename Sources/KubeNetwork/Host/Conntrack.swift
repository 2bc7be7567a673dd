import Foundation

/// The kernel's memory of connections. It has to forget some: those of a pod that's gone, whose address will be another
/// pod's, and datagrams that are still sent to an endpoint that's gone (TCP finds out by itself).
enum Conntrack {
    /// Which connections to forget; what is nil may be anything.
    struct Filter: Sendable, Hashable {
        var source: IPAddress?
        var destination: IPAddress?
        var transport: TransportProtocol?
        var destinationPort: UInt16?
        /// Who answers, after address translation.
        var answeredBy: IPAddress?

        /// Of the connections that it matches.
        var family: AddressFamily { (source ?? destination ?? answeredBy)?.family ?? .v4 }

        /// Connections that a pod began, and connections to it.
        static func pod(_ address: IPAddress) -> [Filter] {
            [Filter(source: address), Filter(answeredBy: address)]
        }
    }

    /// Forgets the connections that match any of the filters. It walks the kernel's whole table, some tens of milliseconds even
    /// if there are few connections, so it isn't for threads that must not block.
    /// - Returns: how many connections were forgotten.
    /// - Throws: when the kernel won't list or remove them.
    @discardableResult
    static func forget(_ filters: Set<Filter>) throws(NetlinkError) -> Int {
        let four = filters.filter { $0.family == .v4 }
        let six = filters.subtracting(four)
        var count = 0
        // Of IPv6 kernels list what doesn't match (seen on 6.18), so every connection is looked at here.
        if !six.isEmpty { count += try forget(of: .v6) { connection in six.contains { $0.matches(connection) } } }
        // The kernel takes one filter a walk. A few walks are cheaper than looking at every connection here.
        guard four.count <= maximumWalks else {
            return try count + forget(of: .v4) { connection in four.contains { $0.matches(connection) } }
        }
        for filter in four { count += try forget(listedBy: listing(filter)) { _ in true } }
        return count
    }

    private static func forget(of family: AddressFamily, _ isWanted: ([UInt16: [UInt8]]) -> Bool) throws(NetlinkError) -> Int {
        try forget(listedBy: header(family.number), isWanted)
    }

    /// How many connections from elsewhere there are to pods by other addresses than their own: by ports of the host. Of TCP only those that
    /// stand count. It walks the kernel's whole table.
    ///
    /// - Parameter ranges: who isn't elsewhere.
    static func visitors(of pods: Set<IPAddress>, notFrom ranges: [IPRange]) throws(NetlinkError) -> Int {
        var count = 0
        try NetfilterSocket().request(type: 0x0101, flags: 0x300, payload: header(0)) { payload in
            let attributes = NetfilterSocket.attributes(payload.dropFirst(4))
            func address(_ tuple: UInt16, _ which: UInt16) -> IPAddress? {
                let parts = NetfilterSocket.attributes((attributes[tuple] ?? [])[...])
                let addresses = NetfilterSocket.attributes((parts[1] ?? [])[...])
                return (addresses[which] ?? addresses[which + 2]).flatMap { IPAddress(octets: $0) }
            }
            guard let pod = address(2, 1), pods.contains(pod), address(1, 2) != pod, let client = address(1, 1),
                !ranges.contains(where: { $0.contains(client) })
            else { return }
            if let state = attributes[4] {
                let transport = NetfilterSocket.attributes(state[...])
                // CTA_PROTOINFO_TCP, and in it CTA_PROTOINFO_TCP_STATE: 3 is ESTABLISHED.
                if let tcp = transport[1], NetfilterSocket.attributes(tcp[...])[1] != [3] { return }
            }
            count += 1
        }
        return count
    }

    private static let maximumWalks = 4

    private static func forget(listedBy request: [UInt8], _ isWanted: ([UInt16: [UInt8]]) -> Bool) throws(NetlinkError) -> Int {
        var found: [[UInt8]] = []
        try NetfilterSocket().request(type: 0x0101, flags: 0x300, payload: request) { payload in
            let attributes = NetfilterSocket.attributes(payload.dropFirst(4))
            guard isWanted(attributes) else { return }
            if let tuple = attributes[1] {
                var deletion: [UInt8] = header(payload.first ?? 0) + NetfilterSocket.attribute(1, tuple, isNested: true)
                if let zone = attributes[18] { deletion += NetfilterSocket.attribute(18, zone) }
                found.append(deletion)
            }
        }
        for deletion in found {
            do {
                try NetfilterSocket().request(type: 0x0102, flags: 0x4, payload: deletion) { _ in }
            } catch {
                // Otherwise it ended on its own in between.
                guard error.code == ENOENT else { throw error }
            }
        }
        return found.count
    }

    /// The family, or zero for all; NFNETLINK_V0, no resource.
    private static func header(_ family: UInt8) -> [UInt8] { [family, 0, 0, 0] }

    /// A dump request that the kernel filters by itself (CTA_FILTER, since Linux 5.8). For IPv4 only.
    private static func listing(_ filter: Filter) -> [UInt8] {
        var addresses: [UInt8] = []
        var protocols: [UInt8] = []
        var flags: UInt32 = 0
        let nobody: [UInt8] = [0, 0, 0, 0]
        addresses += NetfilterSocket.attribute(1, filter.source?.octets ?? nobody)
        addresses += NetfilterSocket.attribute(2, filter.destination?.octets ?? nobody)
        if filter.source != nil { flags |= 1 }
        if filter.destination != nil { flags |= 2 }
        if let transport = filter.transport {
            protocols += NetfilterSocket.attribute(1, [transport.number])
            flags |= 8
            if let port = filter.destinationPort {
                protocols += NetfilterSocket.attribute(2, [0, 0])
                protocols += NetfilterSocket.attribute(3, [UInt8(port >> 8), UInt8(port & 255)])
                flags |= 32
            }
        }
        var tuple = NetfilterSocket.attribute(1, addresses, isNested: true)
        if !protocols.isEmpty { tuple += NetfilterSocket.attribute(2, protocols, isNested: true) }
        var request = header(filter.family.number)
        if flags != 0 { request += NetfilterSocket.attribute(1, tuple, isNested: true) }
        var replyFlags: UInt32 = 0
        if let answerer = filter.answeredBy {
            replyFlags = 1
            let addresses = NetfilterSocket.attribute(1, answerer.octets) + NetfilterSocket.attribute(2, nobody)
            request += NetfilterSocket.attribute(
                2, NetfilterSocket.attribute(1, addresses, isNested: true), isNested: true)
        }
        let filters =
            NetfilterSocket.attribute(1, NetfilterSocket.bytes(flags))
            + NetfilterSocket.attribute(2, NetfilterSocket.bytes(replyFlags))
        return request + NetfilterSocket.attribute(25, filters, isNested: true)
    }
}

extension Conntrack.Filter {
    /// - Parameter connection: the attributes of an entry of the kernel's table.
    func matches(_ connection: [UInt16: [UInt8]]) -> Bool {
        func tuple(_ number: UInt16) -> (addresses: [UInt16: [UInt8]], transport: [UInt16: [UInt8]]) {
            let parts = NetfilterSocket.attributes((connection[number] ?? [])[...])
            return (
                NetfilterSocket.attributes((parts[1] ?? [])[...]), NetfilterSocket.attributes((parts[2] ?? [])[...])
            )
        }
        let original = tuple(1)
        // CTA_IP_V4_SRC and _DST, or CTA_IP_V6_SRC and _DST.
        let (from, to): (UInt16, UInt16) = family == .v4 ? (1, 2) : (3, 4)
        if let source, original.addresses[from] != source.octets { return false }
        if let destination, original.addresses[to] != destination.octets { return false }
        if let transport, original.transport[1] != [transport.number] { return false }
        if let port = destinationPort, original.transport[3] != [UInt8(port >> 8), UInt8(port & 255)] { return false }
        if let answeredBy, tuple(2).addresses[from] != answeredBy.octets { return false }
        return true
    }
}

extension TransportProtocol {
    /// The protocol's number in an IP header.
    var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}
