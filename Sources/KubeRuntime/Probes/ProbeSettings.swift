import KubeObject

/// The timing of a probe, with the defaults filled in.
struct ProbeSettings: Sendable, Equatable {
    enum Kind: String, Sendable { case startup, readiness, liveness }

    var initialDelay: Int64
    var period: Int64
    var timeout: Int64
    var successThreshold: Int64
    var failureThreshold: Int64

    init(_ probe: JSON) {
        func positive(_ key: String, _ standard: Int64) -> Int64 {
            let value = probe[key]?.int ?? 0
            return value > 0 ? value : standard
        }
        initialDelay = probe["initialDelaySeconds"]?.int ?? 0
        period = positive("periodSeconds", 10)
        timeout = positive("timeoutSeconds", 1)
        successThreshold = positive("successThreshold", 1)
        failureThreshold = positive("failureThreshold", 3)
    }
}

/// Counts a probe's results until they change its verdict.
struct ProbeCounter: Sendable, Equatable {
    let settings: ProbeSettings
    private(set) var verdict: Bool?
    private var last: Bool?
    private var run: Int64 = 0

    init(_ settings: ProbeSettings) { self.settings = settings }

    /// Takes a result; true when the verdict is news.
    mutating func take(_ isSuccess: Bool) -> Bool {
        run = last == isSuccess ? run + 1 : 1
        last = isSuccess
        guard run >= (isSuccess ? settings.successThreshold : settings.failureThreshold), verdict != isSuccess else {
            return false
        }
        verdict = isSuccess
        return true
    }
}
