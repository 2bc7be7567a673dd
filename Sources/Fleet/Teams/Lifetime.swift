import KubeControllers
import KubeObject
import KubeSchema

/// How long a cluster lives, from texts as `8h` and `72h30m`.
enum Lifetime {
    /// Seconds; nil when the text is no duration.
    static func seconds(_ text: String) -> Double? { GoDuration.nanoseconds(text).map { Double($0) / 1e9 } }

    /// `9h0m0s`.
    static func text(_ seconds: Double) -> String {
        GoDuration.format(nanoseconds: Int64(min(max(seconds.rounded(.up), 0), 9e9)) * 1_000_000_000)
    }

    /// When a cluster ends, in seconds since 1970; nil when it doesn't by itself.
    static func end(of cluster: JSON) -> Double? {
        guard let text = cluster[path: "spec", "timeToLive"]?.string, !text.isEmpty, let seconds = seconds(text),
            let created = (cluster[path: "metadata", "creationTimestamp"]?.string).flatMap({ Timestamp.parse($0) })
        else { return nil }
        return created + seconds
    }

    /// How long before its end a cluster's users are warned: an hour, or a fifth of a short life.
    static func warning(timeToLive: Double) -> Double { min(3600, timeToLive / 5) }

    /// When a cluster is deleted: at its end, but not before its users have been warned for some minutes (or a fifth of a short life). So neither a
    /// clock that jumps nor a server that wasn't there in the meantime ends a cluster that nobody was warned of.
    ///
    /// - Parameter warned: since when they have been; nil when they are now.
    static func deletion(end: Double, timeToLive: Double, warned: Double?, now: Double) -> Double {
        max(end, (warned ?? now) + min(300, warning(timeToLive: timeToLive)))
    }

    /// Since when a cluster's users have been warned of its end, in seconds since 1970; nil when they aren't.
    static func warned(of cluster: JSON) -> Double? {
        Condition.find("Expiring", in: cluster["status"]).flatMap { known in
            known.status == .true ? known.lastTransitionTime.flatMap { Timestamp.parse($0) } ?? 0 : nil
        }
    }

    /// When a cluster will be deleted, in seconds since 1970; nil when it isn't by itself.
    static func deletion(of cluster: JSON, now: Double) -> Double? {
        guard let end = end(of: cluster),
            let created = (cluster[path: "metadata", "creationTimestamp"]?.string).flatMap({ Timestamp.parse($0) })
        else { return nil }
        return deletion(end: end, timeToLive: end - created, warned: warned(of: cluster), now: now)
    }

    /// What is wrong with a time to live.
    ///
    /// - Parameters:
    ///   - created: when the cluster was made, in seconds since 1970.
    ///   - maximum: the team's, in seconds.
    static func error(_ text: String, created: Double, now: Double, maximum: Double?) -> FieldError? {
        let field = "spec.timeToLive"
        guard let seconds = seconds(text) else {
            return .invalid(field, .string(text), "must be a duration, such as 30m, 8h or 72h")
        }
        guard seconds > 0 else { return .invalid(field, .string(text), "must be greater than zero") }
        let left = created + seconds - now
        guard left > 0 else {
            return .invalid(
                field, .string(text),
                "the cluster is \(self.text(now - created)) old and would have ended already; delete it instead")
        }
        // A clock's second more or less is nobody's fault.
        if let maximum, left > maximum + 5 {
            return .invalid(
                field, .string(text),
                "the team's clusters may have at most \(self.text(maximum)) to live, so this may be at most \(self.text(now - created + maximum)) now"
            )
        }
        return nil
    }
}
