import KubeObject

/// The formats of strings that Kubernetes checks in custom resources; any other format is only a remark.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
enum StringFormat {
    static func isValid(_ text: String, _ format: String) -> Bool {
        switch format.replacing("-", with: "") {
        case "bsonobjectid": return text.utf8.count == 24 && text.allSatisfy(\.isHexDigit)
        case "uri": return isURI(text)
        case "email": return matches(text, email)
        case "hostname": return isHostName(text)
        case "ipv4": return text.utf8.contains(UInt8(ascii: ".")) && CELIP(text)?.isV4 == true
        case "ipv6": return text.utf8.contains(UInt8(ascii: ":")) && CELIP(text) != nil
        case "cidr": return CELIP.cidr(text) != nil
        case "mac": return matches(text, mac)
        case "uuid": return matches(text, uuid)
        case "uuid3": return matches(text, uuid3)
        case "uuid4": return matches(text, uuid4)
        case "uuid5": return matches(text, uuid5)
        case "isbn": return isISBN10(text) || isISBN13(text)
        case "isbn10": return isISBN10(text)
        case "isbn13": return isISBN13(text)
        case "creditcard": return isCardNumber(text)
        case "ssn": return matches(text, ssn)
        case "hexcolor": return matches(text, hexColor)
        case "rgbcolor": return matches(text, rgbColor)
        case "byte": return Base64.decode(text) != nil
        case "date": return text.utf8.count == 10 && Timestamp.parse("\(text)T00:00:00Z") != nil
        case "datetime": return Timestamp.parse(text) != nil
        case "duration": return isDuration(text)
        case "k8sshortname":
            return text.utf8.count <= 63 && !text.utf8.contains(UInt8(ascii: ".")) && LabelSyntax.isSubdomain(text)
        case "k8slongname": return text.utf8.count <= 253 && LabelSyntax.isSubdomain(text)
        default: return true
        }
    }

    private static func pattern(_ text: String) -> LinearRegex? {
        // Constants, which a test matches every one of.
        do { return try LinearRegex(text) } catch { return nil }
    }

    private static func matches(_ text: String, _ regex: LinearRegex?) -> Bool { regex?.matches(text) ?? true }

    private static let email = pattern("^[^@\\s<>]+@[^@\\s<>]+$")
    private static let mac = pattern(
        "^([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){4,6}|[0-9a-fA-F]{4}(\\.[0-9a-fA-F]{4}){2,3})$")
    private static let uuid = pattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
    private static let uuid3 = pattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
    private static let uuid4 = pattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$")
    private static let uuid5 = pattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$")
    private static let ssn = pattern("^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$")
    private static let hexColor = pattern("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    private static let rgbColor = pattern(
        "^rgb\\(\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*(,\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*){2}\\)$")

    private static func isURI(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "/") || CELURL(text) != nil
    }

    private static func isHostName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last, part.utf8.count <= 63 else { return false }
            return first != 0x2D && last != 0x2D
                && part.utf8.allSatisfy { $0 == 0x2D || $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 >= 0x80 }
        }
    }

    private static func digits(_ text: String) -> [UInt8] { text.utf8.filter { $0 != 0x2D && $0 != 0x20 } }

    private static func isISBN10(_ text: String) -> Bool {
        let bytes = digits(text)
        guard bytes.count == 10 else { return false }
        var sum = 0
        for (index, byte) in bytes.enumerated() {
            let value = byte &- 0x30 < 10 ? Int(byte - 0x30) : index == 9 && byte | 0x20 == UInt8(ascii: "x") ? 10 : -1
            guard value >= 0 else { return false }
            sum += (index + 1) * value
        }
        return sum % 11 == 0
    }

    private static func isISBN13(_ text: String) -> Bool {
        let bytes = digits(text)
        guard bytes.count == 13, bytes.allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
        return bytes.enumerated().reduce(0) { $0 + Int($1.element - 0x30) * ($1.offset % 2 == 0 ? 1 : 3) } % 10 == 0
    }

    private static func isCardNumber(_ text: String) -> Bool {
        let bytes = digits(text)
        guard (13...19).contains(bytes.count), bytes.allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
        var sum = 0
        for (index, byte) in bytes.reversed().enumerated() {
            let value = Int(byte - 0x30) * (index % 2 == 0 ? 1 : 2)
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    /// Go's form (`1h30m`), or a number of a unit in words (`5 days`).
    static func isDuration(_ text: String) -> Bool { nanoseconds(text) != nil }

    private static let units: [String: Double] = [
        "ns": 1, "nanosecond": 1, "nanoseconds": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "microsecond": 1e3, "microseconds": 1e3,
        "ms": 1e6,
        "millisecond": 1e6, "milliseconds": 1e6, "s": 1e9, "sec": 1e9, "second": 1e9, "seconds": 1e9, "m": 6e10, "min": 6e10,
        "minute": 6e10,
        "minutes": 6e10, "h": 3.6e12, "hr": 3.6e12, "hour": 3.6e12, "hours": 3.6e12, "d": 8.64e13, "day": 8.64e13,
        "days": 8.64e13,
        "w": 6.048e14, "week": 6.048e14, "weeks": 6.048e14,
    ]

    static func nanoseconds(_ text: String) -> Int64? {
        var rest = text.unicodeScalars[...]
        var sign = 1.0
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            rest.removeFirst()
        }
        if String(rest) == "0" { return 0 }
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest[number.endIndex...].drop { $0 == " " }
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." && $0 != " " }
            rest = rest[unit.endIndex...].drop { $0 == " " }
            guard let value = Double(String(number)), let scale = units[String(unit).lowercased()] else { return nil }
            total += value * scale
        }
        return Int64(exactly: (sign * total).rounded())
    }
}
