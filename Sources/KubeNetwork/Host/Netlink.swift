import Foundation

/// A netlink socket to the kernel's netfilter, and the wire form of its messages. Used for one request at a time.
struct NetfilterSocket: ~Copyable {
    private let descriptor: Int32

    /// - Throws: when the kernel has no netfilter, or we aren't root.
    init() throws(NetlinkError) {
        // AF_NETLINK, NETLINK_NETFILTER: linux/netlink.h isn't in the C library's module.
        let descriptor = socket(16, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 12)
        guard descriptor >= 0 else { throw NetlinkError(code: errno) }
        self.descriptor = descriptor
        var timeout = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends a request and gives `body` the payload of every message of the answer, up to its end.
    func request(type: UInt16, flags: UInt16, payload: [UInt8], _ body: ([UInt8]) -> Void) throws(NetlinkError) {
        var message = Self.bytes(UInt32(16 + payload.count)) + Self.bytes(type) + Self.bytes(flags | 1)
        message += Self.bytes(UInt32(1)) + Self.bytes(UInt32(0)) + payload
        guard send(descriptor, message, message.count, 0) == message.count else { throw NetlinkError(code: errno) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw NetlinkError(code: count < 0 ? errno : EIO) }
            var offset = 0
            while offset + 16 <= count {
                let length = Int(Self.number32(buffer, offset))
                let type = Self.number16(buffer, offset + 4)
                guard length >= 16, offset + length <= count else { throw NetlinkError(code: EBADMSG) }
                switch type {
                case 2 where length >= 20:  // NLMSG_ERROR; zero is the acknowledgement
                    let code = -Int32(bitPattern: Self.number32(buffer, offset + 16))
                    guard code == 0 else { throw NetlinkError(code: code) }
                    return
                case 3: return  // NLMSG_DONE
                default: body(Array(buffer[offset + 16..<offset + length]))
                }
                offset += (length + 3) & ~3
            }
        }
    }

    /// An attribute with its padding.
    static func attribute(_ type: UInt16, _ payload: [UInt8], isNested: Bool = false) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
        return bytes(UInt16(4 + payload.count)) + bytes(isNested ? type | 0x8000 : type) + payload + padding
    }

    /// The attributes in a payload, by type without flags.
    static func attributes(_ payload: ArraySlice<UInt8>) -> [UInt16: [UInt8]] {
        var found: [UInt16: [UInt8]] = [:]
        var rest = payload
        while rest.count >= 4 {
            let all = Array(rest.prefix(4))
            let length = Int(number16(all, 0))
            guard length >= 4, length <= rest.count else { break }
            found[number16(all, 2) & 0x3FFF] = Array(rest.dropFirst(4).prefix(length - 4))
            rest = rest.dropFirst(min((length + 3) & ~3, rest.count))
        }
        return found
    }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }

    private static func number16(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
    }

    private static func number32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }
}

/// The kernel refused a request to netfilter.
struct NetlinkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// As in errno(3).
    var code: Int32
    var description: String { "netfilter: \(String(cString: strerror(code))) (\(code))" }
}
