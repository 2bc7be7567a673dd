import Foundation

/// A schedule in cron's five fields: minute, hour, day of the month, month, day of the week; or `@hourly` and the like, or
/// `@every 1h30m`.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
public struct CronSchedule: Sendable, Equatable {
    public struct ParseError: Error, CustomStringConvertible {
        public var description: String
    }

    private enum Form: Equatable, Sendable {
        case fields(
            minutes: UInt64, hours: UInt64, days: UInt64, months: UInt64, weekdays: UInt64, anyDay: Bool, anyWeekday: Bool)
        case every(seconds: Int)
    }

    private let form: Form
    private let zone: TimeZone

    /// - Parameter zone: a name of the time zone database; nil for UTC.
    public init(_ text: String, zone name: String? = nil) throws(ParseError) {
        guard let zone = name.map({ TimeZone(identifier: $0) }) ?? TimeZone(secondsFromGMT: 0) else {
            throw ParseError(description: "unknown time zone \(name ?? "")")
        }
        self.zone = zone
        if text.hasPrefix("@every ") {
            form = .every(seconds: try Self.duration(String(text.dropFirst(7))))
            return
        }
        let macros = [
            "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
            "@daily": "0 0 * * *",
            "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
        ]
        let fields = (macros[text] ?? text).split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else {
            throw ParseError(description: "expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]")
        }
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        var weekdays = try Self.field(fields[4], 0...7, names: days, base: 0)
        // Sunday is 0 and 7.
        if weekdays & (1 << 7) != 0 { weekdays = (weekdays | 1) & ~(1 << 7) }
        form = .fields(
            minutes: try Self.field(fields[0], 0...59), hours: try Self.field(fields[1], 0...23),
            days: try Self.field(fields[2], 1...31), months: try Self.field(fields[3], 1...12, names: months, base: 1),
            weekdays: weekdays, anyDay: fields[2].hasPrefix("*") || fields[2] == "?",
            anyWeekday: fields[4].hasPrefix("*") || fields[4] == "?")
    }

    /// The first time after `seconds` (since 1970) that the schedule names; nil when there is none in the next five years.
    public func next(after seconds: Double) -> Double? { next(after: seconds, limit: seconds + 5 * 366 * 86400) }

    private func next(after seconds: Double, limit: Double) -> Double? {
        switch form {
        case .every(let interval): return seconds.rounded(.down) + Double(interval)
        case .fields(let minutes, let hours, let days, let months, let weekdays, let anyDay, let anyWeekday):
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = zone
            var time = (seconds / 60).rounded(.down) * 60 + 60
            while time < limit {
                let date = Date(timeIntervalSince1970: time)
                let parts = calendar.dateComponents([.month, .day, .hour, .minute, .weekday], from: date)
                guard let month = parts.month, let day = parts.day, let hour = parts.hour, let minute = parts.minute,
                    let weekday = parts.weekday
                else { return nil }
                let isDay = days & (1 << UInt64(day)) != 0
                let isWeekday = weekdays & (1 << UInt64(weekday - 1)) != 0
                // When both are restricted, either will do.
                let fitsDay = anyDay || anyWeekday ? isDay && isWeekday : isDay || isWeekday
                if months & (1 << UInt64(month)) == 0 || !fitsDay {
                    guard
                        let midnight = calendar.nextDate(
                            after: date, matching: DateComponents(hour: 0, minute: 0, second: 0), matchingPolicy: .nextTime)
                    else { return nil }
                    time = midnight.timeIntervalSince1970
                } else if hours & (1 << UInt64(hour)) == 0 {
                    time += Double(60 - minute) * 60
                } else if minutes & (1 << UInt64(minute)) == 0 {
                    time += 60
                } else {
                    return time
                }
            }
            return nil
        }
    }

    /// The last time until `seconds`, at most a year ago, that the schedule names. What repeats from an unknown beginning (`@every`) has none.
    public func last(until seconds: Double) -> Double? {
        if case .every = form { return nil }
        for days in [1 / 24.0, 1, 8, 32, 366] {
            // Not with what the next round sees anyway: a time that is due every minute would be gone through for a year.
            let limit = seconds + 60
            guard var found = next(after: seconds - days * 86_400, limit: limit), found <= seconds else { continue }
            while let later = next(after: found, limit: limit), later <= seconds { found = later }
            return found
        }
        return nil
    }

    /// Whether the time zone database has a zone.
    public static func isZone(_ name: String) -> Bool { TimeZone(identifier: name) != nil }

    private static func field(
        _ text: String, _ range: ClosedRange<Int>, names: [String] = [], base: Int = 0
    ) throws(ParseError) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard halves.count <= 2, let span = halves.first else { throw ParseError(description: "too many slashes: \(part)") }
            var bounds: ClosedRange<Int>
            if span == "*" || span == "?" {
                bounds = names.count == 7 ? 0...6 : range
            } else {
                let ends = span.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
                guard ends.count <= 2 else { throw ParseError(description: "too many hyphens: \(part)") }
                let first = try number(ends[0], names, base)
                let last = ends.count == 2 ? try number(ends[1], names, base) : halves.count == 2 ? range.upperBound : first
                if first < range.lowerBound {
                    throw ParseError(description: "beginning of range (\(first)) below minimum (\(range.lowerBound)): \(part)")
                }
                if last > range.upperBound {
                    throw ParseError(description: "end of range (\(last)) above maximum (\(range.upperBound)): \(part)")
                }
                if first > last {
                    throw ParseError(description: "beginning of range (\(first)) beyond end of range (\(last)): \(part)")
                }
                bounds = first...last
            }
            var step = 1
            if halves.count == 2 {
                step = try number(halves[1], [], 0)
                if step == 0 { throw ParseError(description: "step of range should be a positive number: \(part)") }
            }
            for value in stride(from: bounds.lowerBound, through: bounds.upperBound, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }

    private static func number(_ text: String, _ names: [String], _ base: Int) throws(ParseError) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + base }
        guard let value = Int(text), value >= 0 else { throw ParseError(description: "failed to parse int from \(text)") }
        return value
    }

    private static func duration(_ text: String) throws(ParseError) -> Int {
        var total = 0
        var digits = ""
        for character in text {
            if character.isNumber {
                digits.append(character)
                continue
            }
            guard let value = Int(digits), let unit = ["h": 3600, "m": 60, "s": 1][character] else {
                throw ParseError(description: "failed to parse duration @every \(text)")
            }
            let (product, overflows) = value.multipliedReportingOverflow(by: unit)
            let (sum, overflowsToo) = total.addingReportingOverflow(product)
            guard !overflows, !overflowsToo else { throw ParseError(description: "failed to parse duration @every \(text)") }
            total = sum
            digits = ""
        }
        guard digits.isEmpty, total > 0 else { throw ParseError(description: "failed to parse duration @every \(text)") }
        return total
    }
}
