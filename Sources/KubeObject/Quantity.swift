/// A fixed-point number with a unit suffix, as resources are given: `100m`, `1.5Gi`, `2e3`.
///
/// Exact between 10^-9 and 2^63-1; finer values are rounded up, larger ones capped, as upstream does.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
public struct Quantity: Sendable {
    /// Which family of suffixes the text used; the canonical text keeps it.
    public enum Format: Sendable { case decimal, binary, exponent }

    /// In units of 10^-9.
    public private(set) var nanos: Int128
    public private(set) var format: Format

    private static let limit = Int128(Int64.max) * 1_000_000_000

    public init(nanos: Int128, format: Format = .decimal) {
        self.nanos = min(max(nanos, -Self.limit), Self.limit)
        self.format = format
    }

    public init(_ value: Int64, format: Format = .decimal) { self.init(nanos: Int128(value) * 1_000_000_000, format: format) }
    public init(milliValue: Int64) { self.init(nanos: Int128(milliValue) * 1_000_000) }

    /// - Throws: `ObjectError` with upstream's sentence when the text isn't a quantity.
    public init(_ text: String) throws(ObjectError) {
        let wrong = ObjectError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        var bytes = Array(text.utf8)[...]
        guard bytes.count <= 256 else { throw wrong }
        var isNegative = false
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            bytes.removeFirst()
        }
        let number = bytes.prefix { $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") }
        let suffix = String(decoding: bytes[number.endIndex...], as: UTF8.self)
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, number.contains(where: { $0 != UInt8(ascii: ".") }) else { throw wrong }
        guard let (format, binaryPower, decimalPower) = Self.scale(suffix) else {
            // A suffix that no suffix looks like is a matter of the form, and not of what it means.
            var exponent = suffix.utf8.drop { Array("eEinumkKMGTP".utf8).contains($0) }
            if exponent.first == UInt8(ascii: "-") || exponent.first == UInt8(ascii: "+") { exponent.removeFirst() }
            guard exponent.allSatisfy({ $0 &- 0x30 < 10 }) else { throw wrong }
            throw ObjectError("unable to parse quantity's suffix")
        }
        self.format = format

        // value = digits * 10^(power - fraction length) * 1024^binaryPower, rounded away from zero to 10^-9.
        var digits: Int128 = 0
        var isCapped = false
        for byte in parts.joined() {
            if digits > Int128.max / 10_000_000_000 { isCapped = true }
            if !isCapped { digits = digits * 10 + Int128(byte - 0x30) }
        }
        let fraction = parts.count == 2 ? parts[1].count : 0
        var power = 9 + decimalPower - fraction
        if isCapped {
            // More digits than fit: the fraction's can be dropped, the whole part's mean a number past the limit.
            digits = 0
            power = 9 + decimalPower
            for byte in parts[0] {
                digits = min(digits * 10 + Int128(byte - 0x30), Self.limit)
            }
        }
        var value = digits
        for _ in 0..<binaryPower { value = value > Self.limit ? value : value * 1024 }
        while power > 0, value != 0, value < Self.limit {
            value *= 10
            power -= 1
        }
        var isRounded = false
        while power < 0, value != 0 {
            isRounded = isRounded || value % 10 != 0
            value /= 10
            power += 1
        }
        if isRounded { value += 1 }
        nanos = min(value, Self.limit) * (isNegative ? -1 : 1)
    }

    private static func scale(_ suffix: String) -> (Format, binaryPower: Int, decimalPower: Int)? {
        switch suffix {
        case "": return (.decimal, 0, 0)
        case "n": return (.decimal, 0, -9)
        case "u": return (.decimal, 0, -6)
        case "m": return (.decimal, 0, -3)
        case "k": return (.decimal, 0, 3)
        case "M": return (.decimal, 0, 6)
        case "G": return (.decimal, 0, 9)
        case "T": return (.decimal, 0, 12)
        case "P": return (.decimal, 0, 15)
        case "E": return (.decimal, 0, 18)
        case "Ki": return (.binary, 1, 0)
        case "Mi": return (.binary, 2, 0)
        case "Gi": return (.binary, 3, 0)
        case "Ti": return (.binary, 4, 0)
        case "Pi": return (.binary, 5, 0)
        case "Ei": return (.binary, 6, 0)
        default:
            guard let first = suffix.first, first == "e" || first == "E", let power = Int(suffix.dropFirst()),
                (-64...64).contains(power)
            else { return nil }
            return (.exponent, 0, power)
        }
    }

    /// The value, fractions rounded up (away from zero).
    public var value: Int64 { rounded(1_000_000_000) }
    /// Thousandths, rounded up, at most `Int64.max`.
    public var milliValue: Int64 { rounded(1_000_000) }

    private func rounded(_ unit: Int128) -> Int64 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
        let result = remainder == 0 ? quotient : quotient + (nanos > 0 ? 1 : -1)
        return Int64(clamping: result)
    }

    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos + right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }
    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos - right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }
    public static func += (left: inout Quantity, right: Quantity) { left = left + right }
    public static func -= (left: inout Quantity, right: Quantity) { left = left - right }
}

extension Quantity: Hashable, Comparable {
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity: CustomStringConvertible {
    /// Canonical: no fraction, the largest suffix that allows it.
    public var description: String {
        if nanos == 0 { return "0" }
        let unit: Int128 = 1_000_000_000
        if format == .binary, abs(nanos) >= 1024 * unit, nanos % unit == 0 {
            var value = nanos / unit
            var power = 0
            while power < 6, value % 1024 == 0 {
                value /= 1024
                power += 1
            }
            return "\(value)\(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power])"
        }
        var value = nanos
        var power = -9
        while power < 18, value % 1000 == 0 {
            value /= 1000
            power += 3
        }
        if format == .exponent { return power == 0 ? "\(value)" : "\(value)e\(power)" }
        return "\(value)\(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][(power + 9) / 3])"
    }
}
