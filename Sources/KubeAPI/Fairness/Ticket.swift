/// One request in the fair queue.
///
/// `@unchecked Sendable`: everything that changes is read and written inside the queue's mutex only.
final class Ticket: @unchecked Sendable {
    enum State {
        /// In a line.
        case waiting
        /// Has a seat.
        case seated
        /// Was let in, and gave its seat back for as long as it waits for somebody else.
        case resting
        /// Has waited too long.
        case expired
        case over
    }

    let cluster: Int64
    let flow: Flow
    /// How many requests of the cluster may be in progress at once: what its priority levels share.
    let concurrency: Int
    /// Whether the cluster is the platform's own, which isn't held back in favour of others.
    let isPlatform: Bool
    let expires: ContinuousClock.Instant
    var state = State.waiting
    /// Whether it waits for a seat again: it was let in already, so that it is refused no more.
    var isResuming = false
    var continuation: CheckedContinuation<Bool, Never>?

    init(cluster: Int64, flow: Flow, concurrency: Int, isPlatform: Bool, expires: ContinuousClock.Instant) {
        self.cluster = cluster
        self.flow = flow
        self.concurrency = concurrency
        self.isPlatform = isPlatform
        self.expires = expires
    }
}
