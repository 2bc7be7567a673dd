/// Unique identifiers and generated names.
public enum Identifiers {
    /// A random UUID (version 4) in lower case.
    public static func uid() -> String {
        var generator = SystemRandomNumberGenerator()
        return uuid(high: generator.next(), low: generator.next())
    }

    /// The UUID that these bits make.
    static func uuid(high: UInt64, low: UInt64) -> String {
        let high = high & 0xffff_ffff_ffff_0fff | 0x4000
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        let digits = Array("0123456789abcdef".utf8)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { bytes.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            bytes.append(digits[Int(word >> UInt64(60 - index % 16 * 4) & 15)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The letters of generated names: no vowels, so no words.
    private static let letters = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    static func suffix(_ count: Int = 5) -> String {
        String(decoding: (0..<count).map { _ in letters[Int.random(in: 0..<letters.count)] }, as: UTF8.self)
    }

    /// The prefix, cut to fit, with five random letters.
    static func name(prefix: String) -> String {
        let limit = 63 - 5
        return (prefix.utf8.count > limit ? String(prefix.prefix(limit)) : prefix) + suffix()
    }
}
