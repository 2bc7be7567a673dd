/// A record of an answer.
struct DNSRecord: Sendable, Hashable {
    enum Data: Sendable, Hashable {
        case a(IPAddress)
        case aaaa(IPAddress)
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

    /// That a name has an address, of whichever family.
    static func address(_ name: DNSName, ttl: UInt32, _ address: IPAddress) -> DNSRecord {
        DNSRecord(name: name, ttl: ttl, data: address.family == .v4 ? .a(address) : .aaaa(address))
    }

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
