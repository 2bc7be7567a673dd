/// The addresses and node ports that services get, the same in every cluster.
public enum ServiceRange {
    public static let text = "10.96.0.0/12"
    /// Of the service `kubernetes`.
    public static let apiServer = "10.96.0.1"
    /// Of the service `kube-dns`.
    public static let dns = "10.96.0.10"
    public static let nodePorts: ClosedRange<Int64> = 30000...32767

    static let first: UInt32 = 10 << 24 | 96 << 16
    static let size: UInt32 = 1 << 20
    /// The first addresses are left to services that ask for one.
    static let reserved: UInt32 = 256

    static func contains(_ address: String) -> Bool {
        guard let number = IPv4.number(address) else { return false }
        return number > first && number < first + size - 1
    }

    /// A free address, by chance; when chance finds none, the first one.
    static func freeAddress(isTaken: (String) -> Bool) -> String? {
        for _ in 0..<64 {
            let address = IPv4.text(first + UInt32.random(in: reserved...(size - 2)))
            if !isTaken(address) { return address }
        }
        return (1...(size - 2)).lazy.map { IPv4.text(first + $0) }.first { !isTaken($0) }
    }
}

/// IPv4 addresses as numbers.
enum IPv4 {
    /// Nil for what is no address in canonical form.
    static func number(_ text: String) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard !part.isEmpty, part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var value: UInt32 = 0
            for byte in part {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + UInt32(byte - 0x30)
            }
            guard value <= 255 else { return nil }
            number = number << 8 | value
        }
        return number
    }

    static func text(_ number: UInt32) -> String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}
