import Foundation

/// The kernel's memory of connections. It has to forget some: those of a pod that's gone, whose address will be another
/// pod's, and datagrams that are still sent to an endpoint that's gone (TCP finds out by itself).
enum Conntrack {
    /// Which connections to forget; what is nil may be anything.
    struct Filter: Sendable, Hashable {
        var source: IPv4Address?
        var destination: IPv4Address?
        var transport: TransportProtocol?
        var destinationPort: UInt16?
        /// Who answers, after address translation.
        var answeredBy: IPv4Address?

        /// Connections that a pod began, and connections to it.
        static func pod(_ address: IPv4Address) -> [Filter] {
            [Filter(source: address), Filter(answeredBy: address)]
        }
    }

    /// - Returns: how many connections were forgotten.
    /// - Throws: when the kernel won't list or remove them.
    @discardableResult
    static func forget(_ filter: Filter) throws(NetlinkError) -> Int {
        var found: [[UInt8]] = []
        try NetfilterSocket().request(type: 0x0101, flags: 0x300, payload: listing(filter)) { payload in
            let attributes = NetfilterSocket.attributes(payload.dropFirst(4))
            if let tuple = attributes[1] {
                var deletion: [UInt8] = header + NetfilterSocket.attribute(1, tuple, isNested: true)
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

    /// AF_INET, NFNETLINK_V0, no resource.
    private static let header: [UInt8] = [2, 0, 0, 0]

    /// A dump request that the kernel filters by itself (CTA_FILTER, since Linux 5.8).
    private static func listing(_ filter: Filter) -> [UInt8] {
        var addresses: [UInt8] = []
        var protocols: [UInt8] = []
        var flags: UInt32 = 0
        addresses += NetfilterSocket.attribute(1, (filter.source ?? IPv4Address(number: 0)).octets)
        addresses += NetfilterSocket.attribute(2, (filter.destination ?? IPv4Address(number: 0)).octets)
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
        var request = header
        if flags != 0 { request += NetfilterSocket.attribute(1, tuple, isNested: true) }
        var replyFlags: UInt32 = 0
        if let answerer = filter.answeredBy {
            replyFlags = 1
            let addresses =
                NetfilterSocket.attribute(1, answerer.octets) + NetfilterSocket.attribute(2, [0, 0, 0, 0])
            request += NetfilterSocket.attribute(
                2, NetfilterSocket.attribute(1, addresses, isNested: true), isNested: true)
        }
        let filters =
            NetfilterSocket.attribute(1, NetfilterSocket.bytes(flags))
            + NetfilterSocket.attribute(2, NetfilterSocket.bytes(replyFlags))
        return request + NetfilterSocket.attribute(25, filters, isNested: true)
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
