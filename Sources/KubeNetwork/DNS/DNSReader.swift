/// Reads a message's parts in order. Every read says nil where the message ends too early or is broken.
struct DNSReader {
    /// A resource record whose data isn't taken apart.
    struct Record: Sendable, Hashable {
        var name: DNSName
        var type: DNSType
        var recordClass: UInt16
        var ttl: UInt32
        /// Where the data is in the message; names in it may point to what's before.
        var data: Range<Int>
    }

    let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func number16() -> UInt16? {
        guard offset + 2 <= bytes.count else { return nil }
        defer { offset += 2 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    mutating func number32() -> UInt32? {
        guard let high = number16(), let low = number16() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func name() -> DNSName? { DNSName(in: bytes, at: &offset) }

    mutating func record() -> Record? {
        guard let name = name(), let type = number16(), let recordClass = number16(), let ttl = number32(),
            let length = number16(), offset + Int(length) <= bytes.count
        else { return nil }
        defer { offset += Int(length) }
        return Record(
            name: name, type: DNSType(type), recordClass: recordClass, ttl: ttl, data: offset..<offset + Int(length))
    }
}
