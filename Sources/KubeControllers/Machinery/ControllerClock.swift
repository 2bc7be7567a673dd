public import KubeObject

/// The two times that controllers read: the wall clock, which is written into objects and compared with what is written there,
/// and a monotonic one for delays.
public struct ControllerClock: Sendable {
    /// Seconds since 1970.
    public let now: @Sendable () -> Double
    /// Monotonic time since this value was made.
    public let uptime: @Sendable () -> Duration
    /// Returns when `uptime` has reached the given time; throws `CancellationError` when the task is cancelled.
    public let sleep: @Sendable (_ until: Duration) async throws -> Void

    /// - Parameters:
    ///   - clock: what delays are measured with.
    ///   - now: the wall clock, in seconds since 1970.
    public init<C: Clock>(_ clock: C, now: @escaping @Sendable () -> Double = { Timestamp.seconds })
    where C.Duration == Duration {
        let start = clock.now
        self.now = now
        uptime = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: start.advanced(by: $0), tolerance: nil) }
    }

    /// The machine's clocks.
    public static var system: ControllerClock { ControllerClock(ContinuousClock()) }
}
