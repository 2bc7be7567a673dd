/// Writes a message, compressing names (RFC 1035 §4.1.4) and never growing past a limit.
struct DNSWriter {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private var places: [ArraySlice<UInt8>: Int] = [:]

    init(limit: Int) {
        self.limit = limit
        bytes.reserveCapacity(min(limit, 512))
    }

    mutating func header(
        id: UInt16, flags: UInt16, questions: UInt16, answers: UInt16, authorities: UInt16, additionals: UInt16
    ) {
        for number in [id, flags, questions, answers, authorities, additionals] { append16(number) }
    }

    mutating func question(_ name: DNSName, _ type: DNSType, _ recordClass: UInt16) {
        append(name)
        append16(type.number)
        append16(recordClass)
    }

    /// - Returns: false, with nothing written, when the record doesn't fit.
    mutating func record(_ record: DNSRecord, keeping reserve: Int) -> Bool {
        let start = bytes.count
        append(record.name)
        append16(record.type.number)
        append16(1)
        append32(record.ttl)
        let lengthAt = bytes.count
        append16(0)
        append(record.data)
        let length = bytes.count - lengthAt - 2
        guard bytes.count + reserve <= limit, length <= 65_535 else {
            bytes.removeSubrange(start...)
            places = places.filter { $0.value < start }
            return false
        }
        set16(UInt16(length), at: lengthAt)
        return true
    }

    /// The size of what ``extended(_:code:)`` writes.
    static let extendedSize = 11

    mutating func extended(_ extended: ExtendedDNS, code: DNSCode) {
        bytes.append(0)
        append16(DNSType.opt.number)
        append16(extended.payloadSize)
        append32(UInt32(code.number >> 4) << 24 | (extended.wantsSecurity ? 0x8000 : 0))
        append16(0)
    }

    mutating func set16(_ number: UInt16, at offset: Int) {
        bytes[offset] = UInt8(number >> 8)
        bytes[offset + 1] = UInt8(number & 255)
    }

    private mutating func append(_ data: DNSRecord.Data) {
        switch data {
        case .a(let address), .aaaa(let address): bytes += address.octets
        case .cname(let name), .ns(let name), .ptr(let name): append(name)
        case .txt(let text):
            let octets = Array(text.utf8.prefix(255))
            bytes.append(UInt8(octets.count))
            bytes += octets
        case .srv(let priority, let weight, let port, let target):
            for number in [priority, weight, port] { append16(number) }
            bytes += target.wire  // RFC 2782: not compressed
        case .soa(let server, let mailbox, let serial, let refresh, let retry, let expire, let minimum):
            append(server)
            append(mailbox)
            for number in [serial, refresh, retry, expire, minimum] { append32(number) }
        }
    }

    private mutating func append(_ name: DNSName) {
        let folded = name.canonical.wire
        var position = 0
        while name.wire[position] != 0 {
            let suffix = folded[position...]
            if let place = places[suffix] {
                append16(0xC000 | UInt16(place))
                return
            }
            if bytes.count < 0x4000 { places[suffix] = bytes.count }
            let end = position + 1 + Int(name.wire[position])
            bytes += name.wire[position..<end]
            position = end
        }
        bytes.append(0)
    }

    private mutating func append16(_ number: UInt16) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(number & 255))
    }

    private mutating func append32(_ number: UInt32) {
        append16(UInt16(number >> 16))
        append16(UInt16(number & 0xFFFF))
    }
}
