/// An answer of a resolver outside, checked to be one to our question, and taken apart as far as needed.
struct UpstreamAnswer: Sendable, Hashable {
    /// The message as it came.
    private(set) var bytes: [UInt8]
    private let questionName: Range<Int>
    private var timesToLive: [(offset: Int, ttl: UInt32)] { offsets.map { ($0, Self.number32(bytes, $0)) } }
    private let offsets: [Int]
    /// The A, AAAA and CNAME records of the answer section.
    let records: [DNSRecord]
    let code: DNSCode
    let isTruncated: Bool
    /// For how many seconds this may be answered again; nil when not at all.
    let lifetime: UInt32?

    /// The longest that an answer is kept, in seconds; as kubeadm configures CoreDNS.
    static let maximumLifetime: UInt32 = 30

    /// - Returns: nil when the bytes are no whole answer to the query.
    init?(_ bytes: [UInt8], to query: DNSQuery) {
        var reader = DNSReader(bytes)
        guard let id = reader.number16(), let flags = reader.number16(), let questions = reader.number16(),
            let answers = reader.number16(), let authorities = reader.number16(), let additionals = reader.number16(),
            id == query.id, flags & 0x8000 != 0, questions == 1
        else { return nil }
        let start = reader.offset
        guard let name = reader.name(), name.canonical == query.name.canonical, reader.offset - start == name.wire.count,
            reader.number16() == query.type.number, reader.number16() == query.recordClass
        else { return nil }
        questionName = start..<start + name.wire.count
        isTruncated = flags & 0x0200 != 0
        code = DNSCode(number: flags & 0xF)
        var offsets: [Int] = []
        var lowest: UInt32?
        var records: [DNSRecord] = []
        for index in 0..<Int(answers) + Int(authorities) + Int(additionals) {
            guard let record = reader.record() else {
                // A truncated message may end anywhere; it's passed on without being kept.
                guard isTruncated else { return nil }
                break
            }
            guard record.type != .opt else { continue }
            offsets.append(record.data.lowerBound - 6)
            var ttl = record.ttl
            // RFC 2308: the lesser of the SOA's own TTL and its minimum, its last four bytes.
            if record.type == .soa, answers == 0, record.data.count >= 4 {
                ttl = min(ttl, Self.number32(bytes, record.data.upperBound - 4))
            }
            lowest = min(lowest ?? ttl, ttl)
            if index < Int(answers), let data = Self.data(record, bytes) {
                records.append(DNSRecord(name: record.name, ttl: record.ttl, data: data))
            }
        }
        self.bytes = bytes
        self.offsets = offsets
        self.records = records
        let isLasting = !isTruncated && (code == .noError || code == .nameError)
        lifetime = isLasting ? lowest.map { min($0, Self.maximumLifetime) } : nil
    }

    /// The addresses that a name has by this answer, by its aliases too, with their times to live.
    func addresses(of name: DNSName) -> [IPAddress: UInt32] {
        var names: Set<DNSName> = [name.canonical]
        // An alias may come before what it is one of.
        for _ in 0..<Self.maximumAliases {
            let before = names.count
            for record in records {
                if case .cname(let target) = record.data, names.contains(record.name.canonical) { names.insert(target.canonical) }
            }
            if names.count == before { break }
        }
        var addresses: [IPAddress: UInt32] = [:]
        for record in records {
            let address: IPAddress
            switch record.data {
            case .a(let own), .aaaa(let own): address = own
            default: continue
            }
            guard names.contains(record.name.canonical) else { continue }
            addresses[address] = max(addresses[address] ?? 0, record.ttl)
        }
        return addresses
    }

    /// As many as resolvers follow.
    private static let maximumAliases = 16

    /// The answer for another client who asked the same, so many seconds later.
    func bytes(to query: DNSQuery, age: UInt32) -> [UInt8] {
        var copy = bytes
        copy[0] = UInt8(query.id >> 8)
        copy[1] = UInt8(query.id & 255)
        if query.name.wire.count == questionName.count { copy.replaceSubrange(questionName, with: query.name.wire) }
        guard age > 0 else { return copy }
        for (offset, ttl) in timesToLive {
            let left = ttl > age ? ttl - age : 0
            for (index, shift) in [24, 16, 8, 0].enumerated() {
                copy[offset + index] = UInt8(left >> UInt32(shift) & 255)
            }
        }
        return copy
    }

    private static func data(_ record: DNSReader.Record, _ bytes: [UInt8]) -> DNSRecord.Data? {
        switch record.type {
        case .a where record.data.count == 4: return .a(IPAddress(number: number32(bytes, record.data.lowerBound)))
        case .aaaa where record.data.count == 16: return IPAddress(octets: bytes[record.data]).map { .aaaa($0) }
        case .cname:
            var offset = record.data.lowerBound
            return DNSName(in: bytes, at: &offset).map { .cname($0) }
        default: return nil
        }
    }

    private static func number32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
