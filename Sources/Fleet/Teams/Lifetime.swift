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
