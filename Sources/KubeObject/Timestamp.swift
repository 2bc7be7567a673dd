#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Times as the API writes them: RFC 3339 in UTC, to the second (`metav1.Time`) or to the microsecond (`metav1.MicroTime`).
public enum Timestamp {
    /// Seconds since 1970 of the machine's clock.
    public static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// `2026-01-02T03:04:05Z`.
    public static func now() -> String { format(seconds) }

    /// `2026-01-02T03:04:05.000006Z`.
    public static func microNow() -> String { formatMicro(seconds) }

    /// The first and the last second that have a text: those of the years 0000 and 9999. Times beyond are told as these.
    private static let range = -62_167_219_200.0...253_402_300_799.0

    /// To the second; fractions are cut off.
    public static func format(_ seconds: Double) -> String { text(Int64(bounded(seconds.rounded(.down))), fraction: "") }

    private static func bounded(_ seconds: Double) -> Double {
        seconds.isNaN ? 0 : min(max(seconds, range.lowerBound), range.upperBound)
    }

    /// To the microsecond, always with six digits.
    public static func formatMicro(_ seconds: Double) -> String {
        let micros = Int64((bounded(seconds) * 1e6).rounded())
        // Before 1970 too, the fraction counts forward.
        let part = (micros % 1_000_000 + 1_000_000) % 1_000_000
        let whole = (micros - part) / 1_000_000
        let digits = String(part)
        return text(whole, fraction: "." + String(repeating: "0", count: 6 - digits.utf8.count) + digits)
    }

    /// `Fri, 02 Jan 2026 03:04:05 +0000`, as Go's `time.RFC1123Z` has it, which some of upstream's events are written with.
    public static func formatRFC1123(_ seconds: Double) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let text = format(seconds)
        let day = Int((bounded(seconds) / 86400).rounded(.down))
        let month = Int(text.dropFirst(5).prefix(2)) ?? 1
        return
            "\(days[(day % 7 + 7) % 7]), \(text.dropFirst(8).prefix(2)) \(months[month - 1]) \(text.prefix(4)) "
            + "\(text.dropFirst(11).prefix(8)) +0000"
    }

    /// Seconds since 1970, or nil when the text isn't an RFC 3339 time of the years 0000 to 9999 (in UTC).
    public static func parse(_ text: some StringProtocol) -> Double? {
        var text = String(text)
        return text.withUTF8 { parse($0) }
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        func number(_ from: Int, _ count: Int) -> Int64? {
            guard from + count <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[from..<from + count] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        func has(_ scalar: Unicode.Scalar, at index: Int) -> Bool { index < bytes.count && bytes[index] == UInt8(ascii: scalar) }
        guard let year = number(0, 4), has("-", at: 4), let month = number(5, 2), has("-", at: 7), let day = number(8, 2),
            has("T", at: 10) || has("t", at: 10), let hour = number(11, 2), has(":", at: 13), let minute = number(14, 2),
            has(":", at: 16), let second = number(17, 2), (1...12).contains(month), day >= 1,
            day <= daysInMonth(year, month), hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction = 0.0
        if has(".", at: index) {
            index += 1
            var scale = 0.1
            let start = index
            while index < bytes.count, bytes[index] &- 0x30 < 10 {
                fraction += Double(bytes[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        var offset: Int64 = 0
        if has("Z", at: index) || has("z", at: index) {
            index += 1
        } else if has("+", at: index) || has("-", at: index), let hours = number(index + 1, 2), has(":", at: index + 3),
            let minutes = number(index + 4, 2), hours < 24, minutes < 60
        {
            offset = (hours * 3600 + minutes * 60) * (has("-", at: index) ? -1 : 1)
            index += 6
        } else {
            return nil
        }
        guard index == bytes.count else { return nil }
        let whole = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return range.contains(Double(whole)) ? Double(whole) + fraction : nil
    }

    private static func text(_ seconds: Int64, fraction: String) -> String {
        let day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let rest = seconds - day * 86400
        let (year, month, dayOfMonth) = date(day)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let digits = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        return
            "\(padded)-\(two(month))-\(two(dayOfMonth))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))\(fraction)Z"
    }

    private static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days since 1970 of a date of the proleptic Gregorian calendar, counting years from March (H. Hinnant's algorithm).
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthOfYear = (5 * dayOfYear + 2) / 153
        let month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthOfYear + 2) / 5 + 1)
    }
}
