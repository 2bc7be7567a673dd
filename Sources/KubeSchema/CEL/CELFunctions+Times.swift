import KubeObject

/// Functions of timestamps and durations.
extension CELFunctions {
    static func times(_ name: String, _ values: [CELValue]) throws(CELError) -> CELValue? {
        if case .duration(let nanos)? = values.first, values.count == 1 {
            switch name {
            case "getHours": return .int(nanos / 3_600_000_000_000)
            case "getMinutes": return .int(nanos / 60_000_000_000)
            case "getSeconds": return .int(nanos / 1_000_000_000)
            case "getMilliseconds": return .int(nanos / 1_000_000 % 1000)
            default: return nil
            }
        }
        guard name.hasPrefix("get"), case .timestamp(let nanos)? = values.first, values.count <= 2 else { return nil }
        var offset: Int128 = 0
        if values.count == 2 {
            guard case .string(let zone) = values[1], let seconds = zoneOffset(zone) else { throw CELError("unknown time zone") }
            offset = Int128(seconds) * 1_000_000_000
        }
        let local = nanos + offset
        let seconds = local >= 0 ? local / 1_000_000_000 : (local - 999_999_999) / 1_000_000_000
        let text = Array(Timestamp.format(Double(seconds)).utf8)
        func part(_ start: Int, _ count: Int) -> Int64 { text[start..<start + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        switch name {
        case "getFullYear": return .int(part(0, 4))
        case "getMonth": return .int(part(5, 2) - 1)
        case "getDate": return .int(part(8, 2))
        case "getDayOfMonth": return .int(part(8, 2) - 1)
        case "getDayOfWeek": return .int(Int64(((days + 4) % 7 + 7) % 7))
        case "getDayOfYear":
            let first = Timestamp.parse("\(String(decoding: text[0..<4], as: UTF8.self))-01-01T00:00:00Z") ?? 0
            return .int(Int64(days) - Int64(first / 86_400))
        case "getHours": return .int(part(11, 2))
        case "getMinutes": return .int(part(14, 2))
        case "getSeconds": return .int(part(17, 2))
        case "getMilliseconds": return .int(Int64((local - seconds * 1_000_000_000) / 1_000_000))
        default: return nil
        }
    }

    /// Seconds east of UTC of `UTC`, `+01:00`, `-08:30`. Names of places need the time zone database, which isn't read here.
    private static func zoneOffset(_ zone: String) -> Int? {
        if zone.isEmpty || zone == "UTC" || zone == "Z" { return 0 }
        let isNegative = zone.hasPrefix("-")
        let digits = zone.hasPrefix("+") || isNegative ? zone.dropFirst() : zone[...]
        let parts = digits.split(separator: ":")
        guard parts.count == 2, let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60 else {
            return nil
        }
        return (hours * 3600 + minutes * 60) * (isNegative ? -1 : 1)
    }
}
