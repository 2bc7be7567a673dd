import Foundation
import KubeObject

/// What is wrong with a schedule, in the words of the parser that upstream uses.
enum CronExpression {
    /// Nil for a schedule that can be read.
    static func problem(_ text: String) -> String? {
        var rest = text[...]
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ=") {
            // Where the zone ends, the schedule begins.
            guard let space = text.firstIndex(of: " ") else { return "provided bad location \(text): unknown time zone" }
            rest = text[space...].drop { $0 == " " }
        }
        if rest.hasPrefix("@") { return descriptorProblem(String(rest)) }
        let fields = rest.split(whereSeparator: \.isWhitespace).map(String.init)
        if fields.count != 5 {
            return "expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]"
        }
        for (field, bounds) in zip(fields, Self.bounds) {
            for part in field.split(separator: ",") {
                if let problem = bounds.problem(String(part)) { return problem }
            }
        }
        return nil
    }

    private static let descriptors: Set<String> = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]

    private static func descriptorProblem(_ text: String) -> String? {
        if descriptors.contains(text) { return nil }
        guard text.hasPrefix("@every ") else { return "unrecognized descriptor: \(text)" }
        let duration = String(text.dropFirst("@every ".count))
        return isDuration(duration)
            ? nil : "failed to parse duration \(text): time: invalid duration \(quoted(duration))"
    }

    /// `1h30m`.
    private static func isDuration(_ text: String) -> Bool {
        if text == "0" { return true }
        var rest = text.hasPrefix("+") || text.hasPrefix("-") ? text.dropFirst() : text[...]
        if rest.isEmpty { return false }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            guard number.contains(where: \.isNumber), number.filter({ $0 == "." }).count <= 1 else { return false }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !$0.isNumber && $0 != "." }
            guard ["ns", "us", "µs", "μs", "ms", "s", "m", "h"].contains(String(unit)) else { return false }
            rest = rest.dropFirst(unit.count)
        }
        return true
    }

    private static let bounds: [Bounds] = [
        Bounds(range: 0...59), Bounds(range: 0...23), Bounds(range: 1...31),
        Bounds(
            range: 1...12,
            names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        Bounds(range: 0...6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]

    private struct Bounds {
        var range: ClosedRange<Int>
        var names: [String] = []

        func problem(_ text: String) -> String? {
            do {
                try check(text)
                return nil
            } catch {
                return error.description
            }
        }

        private func check(_ text: String) throws(ObjectError) {
            let halves = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let limits = halves[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            var start = range.lowerBound
            var end = range.upperBound
            if limits[0] != "*", limits[0] != "?" {
                start = try number(limits[0], isNamed: true)
                switch limits.count {
                case 1: end = start
                case 2: end = try number(limits[1], isNamed: true)
                default: throw ObjectError("too many hyphens: \(text)")
                }
            }
            var step = 1
            if halves.count == 2 {
                step = try number(halves[1], isNamed: false)
                if limits.count == 1 { end = range.upperBound }
            } else if halves.count > 2 {
                throw ObjectError("too many slashes: \(text)")
            }
            if start < range.lowerBound {
                throw ObjectError("beginning of range (\(start)) below minimum (\(range.lowerBound)): \(text)")
            }
            if end > range.upperBound {
                throw ObjectError("end of range (\(end)) above maximum (\(range.upperBound)): \(text)")
            }
            if start > end { throw ObjectError("beginning of range (\(start)) beyond end of range (\(end)): \(text)") }
            if step == 0 { throw ObjectError("step of range should be a positive number: \(text)") }
        }

        private func number(_ text: String, isNamed: Bool) throws(ObjectError) -> Int {
            if isNamed, let index = names.firstIndex(of: text.lowercased()) { return range.lowerBound + index }
            guard let number = Int(text) else {
                throw ObjectError("failed to parse int from \(text): strconv.Atoi: parsing \(quoted(text)): invalid syntax")
            }
            if number < 0 { throw ObjectError("negative number (\(number)) not allowed: \(text)") }
            return number
        }
    }
}

/// The names of time zones (https://www.iana.org/time-zones).
enum TimeZoneNames {
    static func problems(_ name: String) -> [String] {
        if name.isEmpty { return ["timeZone must be nil or non-empty string"] }
        let unknown = ["unknown time zone \(name)"]
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            let isFine =
                (1...14).contains(part.utf8.count) && part != "." && part != ".." && !part.hasPrefix("-")
                && part.utf8.allSatisfy { Names.isAlphanumeric($0) || ".-_+".utf8.contains($0) }
            if !isFine { return unknown }
        }
        if name.lowercased() == "local" {
            return ["timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"]
                + (name == "Local" ? [] : unknown)
        }
        return TimeZone(identifier: name) == nil ? unknown : []
    }
}
