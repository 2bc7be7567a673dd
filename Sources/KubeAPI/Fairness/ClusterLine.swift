/// The requests of one cluster: those with a seat, and those that wait for one, by priority level.
struct ClusterLine {
    private(set) var seats = 0
    /// Requests that wait to be let in.
    private(set) var waiting = 0
    /// Whether the cluster is in the line of those that could use a seat.
    var isInLine = false
    /// Whether it is the platform's own, which isn't held back in favour of others.
    private(set) var isPlatform = false
    private var levels: [String: LevelLine] = [:]
    private var resuming = FIFO<Ticket>()
    private var isResumingNext = true
    /// The waiting ones in the order in which they came, to find those that have waited too long.
    private var arrivals = FIFO<Ticket>()
    private var configuration: FlowConfiguration?
    private var concurrency = 0
    /// What the level that was served last has had.
    private var pass = 0.0

    var hasWaiting: Bool { self.waiting > 0 || !self.resuming.isEmpty }
    var isIdle: Bool { self.seats == 0 && !self.hasWaiting && self.levels.isEmpty }

    /// Whether a request may go past the line, because nobody is in it and its level has room.
    func hasRoom(for ticket: Ticket) -> Bool { !self.hasWaiting && self.hasRoom(ticket.flow.level) }

    /// Before anything else is done about a request: the latest configuration counts for all.
    mutating func prepare(for ticket: Ticket) {
        self.configuration = ticket.flow.configuration
        self.concurrency = ticket.concurrency
        self.isPlatform = ticket.isPlatform
    }

    mutating func seat(_ ticket: Ticket) {
        self.seats += 1
        if ticket.state == .waiting, !ticket.isResuming { self.change(ticket) { $0.executing += 1 } }
        ticket.state = .seated
    }

    /// - Returns: false when the request must be refused.
    mutating func append(_ ticket: Ticket) -> Bool {
        let level = ticket.flow.level
        if !level.isExempt, level.queuing == nil, !self.hasRoom(level) { return false }
        guard self.change(ticket, { $0.append(ticket) }) else { return false }
        self.waiting += 1
        self.arrivals.append(ticket)
        return true
    }

    mutating func appendResuming(_ ticket: Ticket) {
        ticket.state = .waiting
        ticket.isResuming = true
        self.resuming.append(ticket)
    }

    mutating func leaveSeat() { self.seats -= 1 }

    mutating func leaveLevel(_ ticket: Ticket) { self.change(ticket) { $0.executing -= 1 } }

    /// The request that a free seat is for: in turn one that goes on and one that begins.
    mutating func popFirst() -> Ticket? {
        defer { self.isResumingNext.toggle() }
        if self.isResumingNext, let ticket = self.resuming.popFirst() { return ticket }
        return self.popFirstBeginning() ?? self.resuming.popFirst()
    }

    private mutating func popFirstBeginning() -> Ticket? {
        let candidates = self.levels.filter { name, line in
            line.waiting > 0 && (self.configuration?.levels[name].map(self.hasRoom) ?? true)
        }
        guard let name = candidates.min(by: { ($0.value.pass, $0.key) < ($1.value.pass, $1.key) })?.key,
            var line = self.levels[name]
        else { return nil }
        let ticket = line.popFirst()
        self.pass = max(self.pass, line.pass)
        line.pass = self.pass + 1 / self.weight(name)
        self.levels[name] = line
        if ticket != nil { self.waiting -= 1 }
        return ticket
    }

    /// Those that have waited too long, who are in no line any more.
    mutating func expire(at now: ContinuousClock.Instant) -> [Ticket] {
        var expired: [Ticket] = []
        while let ticket = self.arrivals.first, ticket.state != .waiting || ticket.isResuming || ticket.expires <= now {
            _ = self.arrivals.popFirst()
            guard ticket.state == .waiting, !ticket.isResuming else { continue }
            self.giveUp(ticket)
            expired.append(ticket)
        }
        return expired
    }

    /// Takes a waiting request out.
    mutating func giveUp(_ ticket: Ticket) {
        ticket.state = .expired
        self.waiting -= 1
        self.change(ticket) { $0.noteExpiry() }
    }

    // MARK: Levels

    @discardableResult
    private mutating func change<Value>(_ ticket: Ticket, _ body: (inout LevelLine) -> Value) -> Value {
        let name = ticket.flow.level.name
        var line = self.levels[name] ?? LevelLine(pass: self.pass)
        let value = body(&line)
        self.levels[name] = line.isIdle ? nil : line
        return value
    }

    private func weight(_ name: String) -> Double {
        guard let configuration, let level = configuration.levels[name] else { return 1 }
        // Administrators come before all others together, and yet leave them some.
        return Double(max(level.isExempt ? configuration.sumOfShares : level.shares, 1))
    }

    /// Whether a level may have one more in progress: of its own, or of what others don't use and may lend.
    private func hasRoom(_ level: PriorityLevel) -> Bool {
        if level.isExempt { return true }
        let executing = self.levels[level.name]?.executing ?? 0
        guard let configuration else { return true }
        let nominal = level.nominal(of: self.concurrency, sum: configuration.sumOfShares)
        if executing < nominal { return true }
        guard executing - nominal < level.mayBorrow(nominal) else { return false }
        var free = 0
        for other in configuration.levels.values where !other.isExempt {
            let own = other.nominal(of: self.concurrency, sum: configuration.sumOfShares)
            let used = self.levels[other.name]?.executing ?? 0
            free += used > own ? own - used : other.name == level.name ? 0 : min(other.lendable(own), own - used)
        }
        return free > 0
    }
}

extension LevelLine {
    fileprivate init(pass: Double) {
        self.init()
        self.pass = pass
    }
}
