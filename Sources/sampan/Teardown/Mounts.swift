import KubeClient

/// Mount points, out of `/proc/self/mountinfo`.
enum Mounts {
    /// Those strictly below `directory`, the last mounted first.
    static func below(_ directory: String) throws -> [String] {
        guard let bytes = try AtomicFile.read("/proc/self/mountinfo") else { return [] }
        return points(in: String(decoding: bytes, as: UTF8.self)).filter { $0.hasPrefix(directory + "/") }.reversed()
    }

    /// The mount points that a mountinfo text names, in its order, with its octal escapes undone.
    static func points(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 ? unescape(fields[4]) : nil
        }
    }

    private static func unescape(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "\\"), rest.count >= 4,
                let value = UInt8(String(decoding: rest.dropFirst().prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(4)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
