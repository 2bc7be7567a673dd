/// A record of an answer.
struct DNSRecord: Sendable, Hashable {
    enum Data: Sendable, Hashable {
        case a(IPv4Address)
        /// Sixteen bytes.
        case aaaa([UInt8])
        case cname(DNSName)
        case ns(DNSName)
        case ptr(DNSName)
        case txt(String)
        case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
        case soa(
            server: DNSName, mailbox: DNSName, serial: UInt32, refresh: UInt32, retry: UInt32, expire: UInt32, minimum: UInt32)
    }

    var name: DNSName
    /// In seconds.
    var ttl: UInt32
    var data: Data

    var type: DNSType {
        switch data {
        case .a: .a
        case .aaaa: .aaaa
        case .cname: .cname
        case .ns: .ns
        case .ptr: .ptr
        case .txt: .txt
        case .srv: .srv
        case .soa: .soa
        }
    }
}
