/// Durations in Go's text form: `1h30m0s`, `1.5ms`.
public enum GoDuration {
    /// Nil when the text isn't a duration.
    public static func nanoseconds(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)[...]
        guard bytes.count <= 128 else { return nil }
        var isNegative = false
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            bytes.removeFirst()
        }
        if bytes.elementsEqual("0".utf8) { return 0 }
        guard !bytes.isEmpty else { return nil }
        var total = 0.0
        while !bytes.isEmpty {
            let number = bytes.prefix { $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") }
            bytes = bytes[number.endIndex...]
            let unit = bytes.prefix { !($0 &- 0x30 < 10 || $0 == UInt8(ascii: ".")) }
            bytes = bytes[unit.endIndex...]
            let digits = String(decoding: number, as: UTF8.self)
            guard let value = Double(digits.hasPrefix(".") ? "0" + digits : digits),
                let scale = scales[String(decoding: unit, as: UTF8.self)]
            else { return nil }
            total += value * scale
        }
        guard total < Double(Int64.max) else { return nil }
        return Int64(total.rounded()) * (isNegative ? -1 : 1)
    }

    /// As Go prints it.
    public static func format(nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let value = nanoseconds.magnitude
        func decimal(_ whole: UInt64, _ part: UInt64, _ digits: Int) -> String {
            guard part > 0 else { return String(whole) }
            var text = String(part)
            text = String(repeating: "0", count: digits - text.utf8.count) + text
            while text.hasSuffix("0") { text.removeLast() }
            return "\(whole).\(text)"
        }
        switch value {
        case ..<1_000: return "\(sign)\(value)ns"
        case ..<1_000_000: return "\(sign)\(decimal(value / 1_000, value % 1_000, 3))µs"
        case ..<1_000_000_000: return "\(sign)\(decimal(value / 1_000_000, value % 1_000_000, 6))ms"
        default:
            let seconds = value / 1_000_000_000
            let tail = "\(decimal(seconds % 60, value % 1_000_000_000, 9))s"
            let hours = seconds / 3600
            let minutes = seconds / 60 % 60
            if hours > 0 { return "\(sign)\(hours)h\(minutes)m\(tail)" }
            return minutes > 0 ? "\(sign)\(minutes)m\(tail)" : "\(sign)\(tail)"
        }
    }

    private static let scales: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]
}
