/// The requests of one priority level in one cluster.
struct LevelLine {
    /// Let in and not over.
    var executing = 0
    private(set) var waiting = 0
    /// How much the level has had, weighted by its share: the one that has had least is next.
    var pass = 0.0
    /// By number; only those in which somebody waits.
    private var queues: [Int: FIFO<Ticket>] = [:]
    /// The numbers, in the order of their turns.
    private var turns = FIFO<Int>()

    var isIdle: Bool { self.executing == 0 && self.waiting == 0 }

    /// - Returns: false when the line is too long already.
    mutating func append(_ ticket: Ticket) -> Bool {
        var number = 0
        if let queuing = ticket.flow.level.queuing {
            let hand = Self.hand(ticket.flow.hash, queues: queuing.queues, size: queuing.handSize)
            number = hand.min { self.queues[$0]?.count ?? 0 < self.queues[$1]?.count ?? 0 } ?? 0
            guard self.queues[number]?.count ?? 0 < queuing.lengthLimit else { return false }
        }
        if self.queues[number] == nil { self.turns.append(number) }
        self.queues[number, default: FIFO()].append(ticket)
        self.waiting += 1
        return true
    }

    /// The next request, of the queue whose turn it is.
    mutating func popFirst() -> Ticket? {
        while let number = self.turns.popFirst() {
            while let ticket = self.queues[number]?.popFirst() {
                // Those that have expired are left in their queues.
                guard ticket.state == .waiting else { continue }
                self.waiting -= 1
                if self.queues[number]?.isEmpty ?? true { self.queues[number] = nil } else { self.turns.append(number) }
                return ticket
            }
            self.queues[number] = nil
        }
        return nil
    }

    mutating func noteExpiry() { self.waiting -= 1 }

    /// The queues that a flow may use: different ones for different flows, mostly.
    /// Source: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#queuing (shuffle sharding)
    static func hand(_ hash: UInt64, queues: Int, size: Int) -> [Int] {
        var rest = hash
        var taken: [Int] = []
        for dealt in 0..<min(size, queues) {
            let left = UInt64(queues - dealt)
            var card = Int(rest % left)
            rest /= left
            // The card's number among those that are left.
            var position = 0
            while position < taken.count, card >= taken[position] {
                card += 1
                position += 1
            }
            taken.insert(card, at: position)
        }
        return taken
    }
}
