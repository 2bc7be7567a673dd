/// How long a key that failed waits before it is tried again: 5 ms, doubled with every failure in a row, up to 1,000 s, as
/// client-go's default item limiter does.
public struct BackOff: Sendable {
    public var base: Duration
    public var limit: Duration

    public init(base: Duration = .milliseconds(5), limit: Duration = .seconds(1000)) {
        self.base = base
        self.limit = limit
    }

    /// - Parameter failures: how often the key failed before, from 0.
    public func delay(afterFailures failures: Int) -> Duration {
        // 2^40 times any base is past any limit in use; the cap keeps the multiplication from overflowing.
        min(limit, base * (1 << min(max(failures, 0), 40)))
    }
}
