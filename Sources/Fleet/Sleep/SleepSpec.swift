import KubeControllers
import KubeObject

/// When a virtual cluster is to sleep, as its `spec.sleep` says it.
struct SleepSpec: Equatable {
    /// Seconds without use; nil for never.
    var afterIdle: Double?
    /// When a night begins, and when it ends.
    var sleepAt: [CronSchedule] = []
    var wakeAt: [CronSchedule] = []

    static let maximumSchedules = 16
    static let shortestIdle: Double = 10

    init() {}

    /// - Parameter spec: of a VirtualCluster that was found valid; what isn't is left out.
    init(_ spec: JSON) {
        let sleep = spec["sleep"]
        afterIdle = (sleep?["afterIdle"]?.string).flatMap { $0.isEmpty ? nil : Lifetime.seconds($0) }
        let zone = Self.zone(sleep)
        func schedules(_ field: String) -> [CronSchedule] {
            (sleep?[path: "schedule", field]?.strings ?? []).prefix(Self.maximumSchedules).compactMap { text in
                do { return try CronSchedule(text, zone: zone) } catch { return nil }
            }
        }
        sleepAt = schedules("sleepAt")
        wakeAt = schedules("wakeAt")
    }

    var isEmpty: Bool { afterIdle == nil && sleepAt.isEmpty && wakeAt.isEmpty }

    private static func zone(_ sleep: JSON?) -> String? {
        (sleep?[path: "schedule", "timeZone"]?.string).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What is wrong with a cluster's `spec.sleep`.
    ///
    /// - Parameter maximumIdle: the team's, in seconds.
    static func errors(in spec: JSON, maximumIdle: Double?) -> [FieldError] {
        guard let sleep = spec["sleep"], sleep != .null else { return [] }
        var errors: [FieldError] = []
        if let text = sleep["afterIdle"]?.string, !text.isEmpty {
            let field = "spec.sleep.afterIdle"
            if let seconds = Lifetime.seconds(text), seconds >= shortestIdle {
                if let maximumIdle, seconds > maximumIdle {
                    errors.append(
                        .invalid(
                            field, .string(text), "the team's clusters may be idle for at most \(Lifetime.text(maximumIdle))"))
                }
            } else {
                errors.append(.invalid(field, .string(text), "must be a duration of at least 10s, such as 30m or 2h"))
            }
        }
        let zone = Self.zone(sleep)
        if let zone, !CronSchedule.isZone(zone) {
            return errors + [.invalid("spec.sleep.schedule.timeZone", .string(zone), "unknown time zone \(zone)")]
        }
        for field in ["sleepAt", "wakeAt"] {
            let path = "spec.sleep.schedule.\(field)"
            let texts = sleep[path: "schedule", field]?.strings ?? []
            if texts.count > maximumSchedules { errors.append(.tooMany(path, texts.count, maximum: maximumSchedules)) }
            for (index, text) in texts.prefix(maximumSchedules).enumerated() {
                do {
                    let schedule = try CronSchedule(text, zone: zone)
                    if text.hasPrefix("@every") {
                        errors.append(.invalid("\(path)[\(index)]", .string(text), "must name times of the day, not an interval"))
                    } else if schedule.next(after: Timestamp.seconds) == nil {
                        errors.append(.invalid("\(path)[\(index)]", .string(text), "never comes"))
                    }
                } catch {
                    errors.append(.invalid("\(path)[\(index)]", .string(text), error.description))
                }
            }
        }
        if let wakeAt = sleep[path: "schedule", "wakeAt"]?.strings, !wakeAt.isEmpty,
            sleep[path: "schedule", "sleepAt"]?.strings.isEmpty ?? true, (sleep["afterIdle"]?.string ?? "").isEmpty
        {
            errors.append(.required("spec.sleep.schedule.sleepAt", "a cluster that is to wake has to sleep before"))
        }
        return errors
    }
}

extension [CronSchedule] {
    /// The first time after `seconds` (since 1970) that any of them names.
    func next(after seconds: Double) -> Double? { compactMap { $0.next(after: seconds) }.min() }

    /// The last time until `seconds`, within a year, that any of them names.
    func last(until seconds: Double) -> Double? { compactMap { $0.last(until: seconds) }.max() }
}
