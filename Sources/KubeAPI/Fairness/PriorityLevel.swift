import KubeObject

/// How many requests of a level are worked on at once, and what becomes of more: a PriorityLevelConfiguration as it is used.
struct PriorityLevel: Sendable {
    /// What waits, waits in one of many queues, so that a flow with many requests holds up few others.
    struct Queuing: Sendable {
        var queues: Int
        /// How many queues a flow may use; it takes the shortest.
        var handSize: Int
        var lengthLimit: Int

        /// Beyond this there is little to win by choosing, and much to compute.
        private static let largestHand = 16

        init(_ tree: JSON) {
            self.queues = max(Int(tree["queues"]?.int ?? 64), 1)
            self.handSize = min(max(Int(tree["handSize"]?.int ?? 8), 1), self.queues, Self.largestHand)
            self.lengthLimit = max(Int(tree["queueLengthLimit"]?.int ?? 50), 1)
        }
    }

    let name: String
    let uid: String
    let isExempt: Bool
    let shares: Int
    private let lendablePercent: Int
    private let borrowingPercent: Int?
    /// Nil: what is too much is refused at once.
    let queuing: Queuing?

    init(_ object: Object) {
        let spec = object.tree["spec"] ?? [:]
        self.name = object.metadata.name
        self.uid = object.metadata.uid
        self.isExempt = spec["type"]?.string == "Exempt"
        let limits = (self.isExempt ? spec["exempt"] : spec["limited"]) ?? [:]
        self.shares = max(Int(limits["nominalConcurrencyShares"]?.int ?? (self.isExempt ? 0 : 30)), 0)
        self.lendablePercent = min(max(Int(limits["lendablePercent"]?.int ?? 0), 0), 100)
        self.borrowingPercent = limits["borrowingLimitPercent"]?.int.map { max(Int($0), 0) }
        self.queuing = limits[path: "limitResponse", "queuing"].map(Queuing.init)
    }

    /// For requests that no schema claims, in clusters that have no level for them.
    init(catchAllOf shares: Int) {
        self.name = "catch-all"
        self.uid = ""
        self.isExempt = false
        self.shares = shares
        self.lendablePercent = 0
        self.borrowingPercent = nil
        self.queuing = nil
    }

    /// How many requests the level may have in progress of its own right.
    ///
    /// - Parameters:
    ///   - concurrency: what all levels of the cluster have.
    ///   - sum: of all levels' shares.
    func nominal(of concurrency: Int, sum: Int) -> Int {
        sum == 0 ? 0 : (concurrency * self.shares + sum - 1) / sum
    }

    func lendable(_ nominal: Int) -> Int { (nominal * self.lendablePercent + 50) / 100 }

    func mayBorrow(_ nominal: Int) -> Int {
        self.borrowingPercent.map { nominal.multipliedReportingOverflow(by: $0).partialValue / 100 } ?? .max
    }
}
