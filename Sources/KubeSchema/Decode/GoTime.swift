import KubeObject

/// What Go's `time.Parse` has to say about a text that isn't RFC 3339.
enum GoTime {
    /// Nil when the text is a time.
    static func problem(_ text: String, micro: Bool) -> String? {
        let layout = micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"
        let quoted = JSON.string(text).text
        var rest = Array(text.utf8)[...]
        func failed(_ element: String) -> String {
            let left = JSON.string(String(decoding: rest, as: UTF8.self)).text
            return "parsing time \(quoted) as \"\(layout)\": cannot parse \(left) as \"\(element)\""
        }
        func outOfRange(_ what: String) -> String { "parsing time \(quoted): \(what) out of range" }
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count, rest.prefix(count).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func literal(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4) else { return failed("2006") }
        guard literal("-") else { return failed("-") }
        guard let month = digits(2) else { return failed("01") }
        guard (1...12).contains(month) else { return outOfRange("month") }
        guard literal("-") else { return failed("-") }
        guard let day = digits(2) else { return failed("02") }
        guard literal("T") else { return failed("T") }
        guard let hour = digits(2) else { return failed("15") }
        guard hour < 24 else { return outOfRange("hour") }
        guard literal(":") else { return failed(":") }
        guard let minute = digits(2) else { return failed("04") }
        guard minute < 60 else { return outOfRange("minute") }
        guard literal(":") else { return failed(":") }
        guard let second = digits(2) else { return failed("05") }
        guard second < 60 else { return outOfRange("second") }
        if micro {
            guard rest.first == UInt8(ascii: "."), rest.count >= 7,
                rest.dropFirst().prefix(6).allSatisfy({ (0x30...0x39).contains($0) })
            else { return failed(".000000") }
            rest = rest.dropFirst(7)
        } else if rest.first == UInt8(ascii: "."), let next = rest.dropFirst().first, (0x30...0x39).contains(next) {
            rest = rest.dropFirst().drop { (0x30...0x39).contains($0) }
        }
        if rest.first == UInt8(ascii: "Z") {
            rest = rest.dropFirst()
        } else {
            guard rest.count >= 6, let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
                return failed("Z07:00")
            }
            let zone = Array(rest.prefix(6))
            let numbers = [zone[1], zone[2], zone[4], zone[5]]
            guard zone[3] == UInt8(ascii: ":"), numbers.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return failed("Z07:00")
            }
            rest = rest.dropFirst(6)
        }
        guard rest.isEmpty else {
            return "parsing time \(quoted): extra text: \(JSON.string(String(decoding: rest, as: UTF8.self)).text)"
        }
        let lengths = [
            31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
        ]
        guard day >= 1, day <= lengths[month - 1] else { return outOfRange("day") }
        return nil
    }
}
