/// Writes a POSIX tar archive in memory: enough for small images and for tests.
public struct TarArchive: Sendable {
    private var content: [UInt8] = []

    public init() {}

    public mutating func addFile(_ name: String, mode: Int = 0o644, _ bytes: [UInt8]) {
        addHeader(name, mode: mode, size: bytes.count, type: "0", link: "")
        content += bytes
        content += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    public mutating func addDirectory(_ name: String, mode: Int = 0o755) {
        addHeader(name.hasSuffix("/") ? name : name + "/", mode: mode, size: 0, type: "5", link: "")
    }

    public mutating func addSymbolicLink(_ name: String, to target: String) {
        addHeader(name, mode: 0o777, size: 0, type: "2", link: target)
    }

    /// The archive, closed by its two empty blocks.
    public var bytes: [UInt8] { content + [UInt8](repeating: 0, count: 1024) }

    private mutating func addHeader(_ name: String, mode: Int, size: Int, type: Character, link: String) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(name, at: 0, length: 100)
        put(octal(mode, digits: 7), at: 100, length: 7)
        put(octal(0, digits: 7), at: 108, length: 7)
        put(octal(0, digits: 7), at: 116, length: 7)
        put(octal(size, digits: 11), at: 124, length: 11)
        put(octal(0, digits: 11), at: 136, length: 11)
        put("        ", at: 148, length: 8)
        put(String(type), at: 156, length: 1)
        put(link, at: 157, length: 100)
        put("ustar\u{0}00", at: 257, length: 8)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + "\u{0} ", at: 148, length: 8)
        content += header
    }
}
