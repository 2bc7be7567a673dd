/// A domain name in wire form: labels, each after its length, closed by the root's zero. At most 255 bytes, labels at most 63.
struct DNSName: Sendable, Hashable, CustomStringConvertible {
    let wire: [UInt8]

    static let root = DNSName(uncheckedWire: [0])

    init(uncheckedWire wire: [UInt8]) {
        self.wire = wire
    }

    /// From text such as `web.default.svc.cluster.local`, with or without the last dot.
    /// - Returns: nil when a label is empty or too long, or the whole is.
    init?(_ text: some StringProtocol) {
        var wire: [UInt8] = []
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        guard !bytes.isEmpty else { return nil }
        for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...63).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= 255 else { return nil }
        self.wire = wire
    }

    /// Reads a name within a message, following compression.
    /// - Parameter offset: where it starts; afterwards the place after it.
    /// - Returns: nil when the name is broken. Pointers must go backwards, so that reading ends whatever the bytes are.
    init?(in message: [UInt8], at offset: inout Int) {
        var wire: [UInt8] = []
        var position = offset
        var end: Int?
        var limit = offset
        while true {
            guard position < message.count else { return nil }
            let length = Int(message[position])
            switch length & 0xC0 {
            case 0x00:
                guard position + length < message.count, wire.count + length + 1 <= 255 else { return nil }
                wire += message[position...position + length]
                position += length + 1
                if length == 0 {
                    offset = end ?? position
                    self.wire = wire
                    return
                }
            case 0xC0:
                guard position + 1 < message.count else { return nil }
                let target = (length & 0x3F) << 8 | Int(message[position + 1])
                guard target < limit else { return nil }
                end = end ?? position + 2
                limit = target
                position = target
            default:
                return nil
            }
        }
    }

    /// The labels in lower case, most specific first.
    var labels: [String] {
        var labels: [String] = []
        var position = 0
        while position < wire.count, wire[position] != 0 {
            let end = position + 1 + Int(wire[position])
            labels.append(String(decoding: wire[position + 1..<end].lazy.map(DNSName.lowercased), as: UTF8.self))
            position = end
        }
        return labels
    }

    /// With ASCII letters in lower case: names that differ only in case are the same (RFC 4343).
    var canonical: DNSName {
        // Lengths are under 64, below the letters.
        DNSName(uncheckedWire: wire.map(DNSName.lowercased))
    }

    var description: String { labels.isEmpty ? "." : labels.joined(separator: ".") + "." }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
