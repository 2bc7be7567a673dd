public import KubeObject
import Synchronization

/// Encoded JSON that many clients read, with a tag that changes exactly when the content does.
public struct Document: Sendable {
    public let bytes: [UInt8]
    /// 32 hexadecimal digits, without quotes: the content's fingerprint, the same after a restart.
    public let etag: String

    public init(_ json: JSON) { self.init(bytes: json.encoded()) }

    public init(bytes: [UInt8]) {
        self.bytes = bytes
        etag = Document.fingerprint(bytes)
    }

    /// FNV-1a over two offsets. Tells versions of our own documents apart; it doesn't resist somebody who makes collisions.
    static func fingerprint(_ bytes: [UInt8]) -> String {
        var first: UInt64 = 0xcbf2_9ce4_8422_2325
        var second: UInt64 = 0x84222325_cbf29ce4
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            second = (second ^ UInt64(byte ^ 0x5a)) &* 0x0000_0100_0000_01b3
        }
        return hexadecimal(first) + hexadecimal(second)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Documents that were made already, by name. Two threads that ask at once may both make one; either is kept.
final class DocumentCache: Sendable {
    private let made = Mutex<[String: Document]>([:])

    func document(_ name: String, make: () -> Document) -> Document {
        if let known = made.withLock({ $0[name] }) { return known }
        let document = make()
        made.withLock { $0[name] = document }
        return document
    }
}
