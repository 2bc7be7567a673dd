/// One of the kernel's handlers for programs that the processor can't run itself, as `/proc/sys/fs/binfmt_misc` shows it.
/// Source: https://docs.kernel.org/admin-guide/binfmt-misc.html
struct BinaryFormat: Sendable, Equatable {
    var isEnabled = false
    var flags = ""
    var offset = 0
    var magic: [UInt8] = []
    /// As long as `magic`.
    var mask: [UInt8] = []

    static let directory = "/proc/sys/fs/binfmt_misc"

    /// Nil for one that goes by the names of files.
    init?(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words[0], words.count > 1 ? words[1] : "") {
            case ("enabled", _): isEnabled = true
            case ("flags:", let flags): self.flags = flags
            case ("offset", let number): offset = Int(number) ?? 0
            case ("magic", let digits): magic = Self.bytes(digits)
            case ("mask", let digits): mask = Self.bytes(digits)
            default: continue
            }
        }
        guard !magic.isEmpty, offset >= 0, offset < 4096 else { return nil }
        if mask.count != magic.count { mask = [UInt8](repeating: 0xff, count: magic.count) }
    }

    private static func bytes(_ digits: String) -> [UInt8] {
        let nibbles = digits.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) ?? 0 }
        return stride(from: 0, to: nibbles.count - 1, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
    }

    /// Whether it takes a program that begins so.
    func takes(_ header: [UInt8]) -> Bool {
        guard header.count >= offset + magic.count else { return false }
        return magic.indices.allSatisfy { header[offset + $0] & mask[$0] == magic[$0] & mask[$0] }
    }

    /// Whether it works for a program in a container: there the emulator's file isn't to be found, so the kernel must have opened it before (`F`).
    var worksInContainers: Bool { isEnabled && flags.contains("F") }

    /// What keeps programs of another processor from running in containers here; nil when nothing does.
    ///
    /// - Parameter header: how such programs begin.
    static func obstacle(to header: [UInt8], in directory: String = directory) -> String? {
        guard let status = try? File.text("\(directory)/status") else { return "\(directory) isn't mounted" }
        guard status.hasPrefix("enabled") else { return "\(directory)/status says disabled" }
        var obstacle = "the kernel has no handler for such programs"
        for name in File.names(in: directory) where name != "status" && name != "register" {
            guard let text = try? File.text("\(directory)/\(name)"), let format = BinaryFormat(text), format.takes(header) else {
                continue
            }
            if format.worksInContainers { return nil }
            obstacle =
                format.isEnabled ? "the kernel's handler \(name) lacks the flag F" : "the kernel's handler \(name) is disabled"
        }
        return obstacle
    }
}
