import Synchronization

/// Decides whose request is worked on next, so that no cluster keeps another waiting by asking for much.
///
/// A request is worked on while it has a seat. Clusters take turns at the seats. While one cluster alone wants something it may have all of
/// them; when others do too, it has a few, so that theirs find the machine's processors free. Within a cluster the seats go to its priority levels by
/// their shares, and within a level to its flows in turn (API Priority and Fairness). A request that waits for somebody else, as a
/// webhook or a slow reader, gives its seat back for so long, and counts only for its level.
///
/// Concurrency: all state is in one mutex, held for a few steps; any task may call.
final class FairQueue: Sendable {
    struct Limits: Sendable {
        /// Seats of all clusters together.
        var seats: Int
        /// Seats of one cluster while others want something too.
        var sharedSeats: Int
        /// How long others count as wanting something after a request of theirs.
        var activity = Duration.seconds(1)
        /// After so long a request that waits is refused, as upstream's after a quarter of its minute.
        var longestWait = Duration.seconds(15)
    }

    fileprivate struct State {
        var clusters: [Int64: ClusterLine] = [:]
        var seats = 0
        /// Clusters that could use a seat, in the order of their turns.
        var line = FIFO<Int64>()
        /// The cluster that asked last, and when another one did before.
        var latest: (cluster: Int64, time: ContinuousClock.Instant)?
        var other: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let limits: Limits
    private let now: @Sendable () -> ContinuousClock.Instant

    init(_ limits: Limits, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.limits = limits
        self.now = now
    }

    /// Waits for a request's turn.
    ///
    /// - Parameter concurrency: how many requests the cluster's priority levels may have in progress together.
    /// - Returns: nil when the request is refused: its level has too many, or it has waited too long.
    func turn(_ flow: Flow, cluster: Int64, concurrency: Int, isPlatform: Bool = false) async -> Turn? {
        let now = self.now()
        let ticket = Ticket(
            cluster: cluster, flow: flow, concurrency: concurrency, isPlatform: isPlatform,
            expires: now.advanced(by: self.limits.longestWait))
        guard self.enter(ticket, now) else { return nil }
        guard await self.wait(ticket) else { return nil }
        return Turn(self, ticket)
    }

    /// Gives a seat back for a while; nothing when the request has none.
    func rest(_ ticket: Ticket) {
        self.update(ticket.cluster) { state in
            guard ticket.state == .seated else { return }
            ticket.state = .resting
            state.leaveSeat(of: ticket)
        }
    }

    /// Waits for a seat again; nothing when the request has one, or is over.
    func resume(_ ticket: Ticket) async {
        let now = self.now()
        self.update(ticket.cluster) { state in
            guard ticket.state == .resting else { return }
            state.clusters[ticket.cluster, default: ClusterLine()].appendResuming(ticket)
            state.putInLine(ticket.cluster)
            state.note(ticket.cluster, now)
        }
        _ = await self.wait(ticket)
    }

    /// A request is over. Once counts.
    func end(_ ticket: Ticket) {
        self.update(ticket.cluster) { state in
            switch ticket.state {
            case .seated: state.leaveSeat(of: ticket)
            case .resting: break
            case .waiting, .expired, .over: return
            }
            ticket.state = .over
            state.clusters[ticket.cluster]?.leaveLevel(ticket)
        }
    }

    /// Requests that wait for their turn, over all clusters.
    var waiting: Int { self.state.withLock { $0.clusters.values.reduce(0) { $0 + $1.waiting } } }

    /// Requests with a seat, over all clusters.
    var seated: Int { self.state.withLock { $0.seats } }

    /// What is kept of clusters; none for those from which nothing is in progress.
    var clusters: Int { self.state.withLock { $0.clusters.count } }

    // MARK: Steps

    private func enter(_ ticket: Ticket, _ now: ContinuousClock.Instant) -> Bool {
        let (isIn, expired) = self.state.withLock { state -> (Bool, [CheckedContinuation<Bool, Never>]) in
            state.note(ticket.cluster, now)
            var line = state.clusters[ticket.cluster] ?? ClusterLine()
            line.prepare(for: ticket)
            if line.hasRoom(for: ticket), state.seats < self.limits.seats,
                line.seats < state.seats(of: ticket.cluster, line, self.limits, now)
            {
                line.seat(ticket)
                state.seats += 1
                state.clusters[ticket.cluster] = line
                return (true, [])
            }
            let expired = line.expire(at: now)
            let isIn = line.append(ticket)
            state.clusters[ticket.cluster] = line.isIdle ? nil : line
            if isIn { state.putInLine(ticket.cluster) }
            return (isIn, expired.compactMap { $0.takeContinuation() })
        }
        for continuation in expired { continuation.resume(returning: false) }
        // Somebody else's expiry, or a level that has no room, may have left a seat free.
        if isIn { self.update(ticket.cluster) { _ in } }
        return isIn
    }

    /// Changes the state, then gives free seats to whom they are due.
    private func update(_ cluster: Int64, _ body: (inout State) -> Void) {
        let now = self.now()
        let (seated, expired) = self.state.withLock { state in
            body(&state)
            let expired = state.clusters[cluster]?.expire(at: now) ?? []
            state.putInLine(cluster)
            let seated = state.seatWaiting(self.limits, now)
            if state.clusters[cluster]?.isIdle ?? false { state.clusters[cluster] = nil }
            return (seated.compactMap { $0.takeContinuation() }, expired.compactMap { $0.takeContinuation() })
        }
        for continuation in seated { continuation.resume(returning: true) }
        for continuation in expired { continuation.resume(returning: false) }
    }

    private func wait(_ ticket: Ticket) async -> Bool {
        let isSeated = self.state.withLock { _ in ticket.state == .seated ? true : ticket.state == .waiting ? nil : false }
        if let isSeated { return isSeated }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = self.state.withLock { _ -> Bool? in
                    if ticket.state == .waiting, !Task.isCancelled || ticket.isResuming {
                        ticket.continuation = continuation
                        return nil
                    }
                    return ticket.state == .seated
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let continuation = self.state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard ticket.state == .waiting, !ticket.isResuming else { return nil }
                state.clusters[ticket.cluster]?.giveUp(ticket)
                return ticket.takeContinuation()
            }
            continuation?.resume(returning: false)
        }
    }
}

extension FairQueue.State {
    /// Remembers who asks, as far as ``isAlone(_:_:_:)`` needs it.
    fileprivate mutating func note(_ cluster: Int64, _ now: ContinuousClock.Instant) {
        if let latest, latest.cluster != cluster { other = latest.time }
        latest = (cluster, now)
    }

    /// Whether no other cluster asked for anything lately.
    private func isAlone(_ cluster: Int64, _ activity: Duration, _ now: ContinuousClock.Instant) -> Bool {
        if let latest, latest.cluster != cluster { return latest.time.duration(to: now) > activity }
        return other.map { $0.duration(to: now) > activity } ?? true
    }

    /// How many seats a cluster may have now.
    fileprivate func seats(
        of cluster: Int64, _ line: ClusterLine, _ limits: FairQueue.Limits, _ now: ContinuousClock.Instant
    ) -> Int {
        line.isPlatform || isAlone(cluster, limits.activity, now) ? limits.seats : limits.sharedSeats
    }

    fileprivate mutating func leaveSeat(of ticket: Ticket) {
        clusters[ticket.cluster]?.leaveSeat()
        seats -= 1
    }

    fileprivate mutating func putInLine(_ cluster: Int64) {
        guard let line = clusters[cluster], line.hasWaiting, !line.isInLine else { return }
        clusters[cluster]?.isInLine = true
        self.line.append(cluster)
    }

    /// Seats whoever may be, cluster by cluster. One that has its share leaves the line, and comes back when a seat of its own gets free.
    fileprivate mutating func seatWaiting(_ limits: FairQueue.Limits, _ now: ContinuousClock.Instant) -> [Ticket] {
        var seated: [Ticket] = []
        while seats < limits.seats, let id = line.popFirst() {
            guard var cluster = clusters[id] else { continue }
            cluster.isInLine = false
            if cluster.seats < seats(of: id, cluster, limits, now), let next = cluster.popFirst() {
                cluster.seat(next)
                seats += 1
                seated.append(next)
                if cluster.hasWaiting {
                    cluster.isInLine = true
                    line.append(id)
                }
            }
            clusters[id] = cluster
        }
        return seated
    }
}

extension Ticket {
    fileprivate func takeContinuation() -> CheckedContinuation<Bool, Never>? {
        defer { self.continuation = nil }
        return self.continuation
    }
}
