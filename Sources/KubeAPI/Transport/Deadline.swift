import NIOCore

/// A deadline that is moved much more often than it is reached, as that of a connection's next byte.
///
/// Moving it costs a few instructions: an event loop's own timers are searched when one is cancelled, so with thousands of
/// connections theirs may not be set and cancelled for every request. The timer runs on instead, looks where the deadline is by then,
/// and goes on to there.
///
/// Confined to its event loop.
final class Deadline {
    private let loop: any EventLoop
    /// The timer looks at least this often, so that a deadline is never later than it says.
    private let shortest: TimeAmount
    private var time: NIODeadline?
    private var timer: Scheduled<Void>?
    private var action: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - shortest: the least that the deadline is ever away when it is set.
    ///   - action: done on the event loop whenever the deadline is reached.
    init(_ loop: any EventLoop, shortest: TimeAmount, _ action: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.shortest = shortest
        self.action = action
    }

    /// Moves the deadline to so far from now.
    func set(_ amount: TimeAmount) {
        self.time = self.loop.now + amount
        if self.timer == nil { self.schedule() }
    }

    /// There is no deadline any more.
    func clear() {
        self.time = nil
    }

    /// Stops for good.
    func cancel() {
        self.time = nil
        self.action = nil
        self.timer?.cancel()
        self.timer = nil
    }

    private func schedule() {
        guard let time else { return }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.timer = self.loop.scheduleTask(deadline: min(time, self.loop.now + self.shortest)) { bound.value.look() }
    }

    private func look() {
        self.timer = nil
        guard let time else { return }
        if time <= self.loop.now {
            self.time = nil
            self.action?()
        } else {
            self.schedule()
        }
    }
}
