import KubeObject
import Synchronization

/// The clusters of a contest: who is awake, who sleeps, and how one comes after the other.
final class ContestFleet: Sendable {
    let plan: ContestPlan
    let teams: [ContestTeam]
    /// A team that has as many clusters as it may.
    let full: ContestTeam
    let ledger: ContestLedger
    private let image: String
    private let machine: String
    private let folder: String
    private let state = Mutex(State())

    private struct State {
        var made = 0
        /// The oldest first.
        var awake: [ContestCluster] = []
        var asleep: [ContestCluster] = []
        var leastAwake = Int.max
        var mostAwake = 0
        var isSteady = false
        /// Those that sleep from the beginning to the end.
        var resting: [(team: ContestTeam, name: String)] = []
    }

    /// - Parameters:
    ///   - machine: the address by which its ports are reached.
    ///   - folder: for kubeconfigs.
    init(
        _ plan: ContestPlan, _ teams: [ContestTeam], full: ContestTeam, _ ledger: ContestLedger, image: String, machine: String,
        folder: String
    ) {
        (self.plan, self.teams, self.full, self.ledger) = (plan, teams, full, ledger)
        (self.image, self.machine, self.folder) = (image, machine, folder)
    }

    static let names = [
        "time to cluster", "time until its services answer", "wake, by HTTP", "fall asleep", "reclaim a cluster",
        "reclaim one that sleeps",
    ]

    // MARK: - Who is there

    var awake: Int { state.withLock { $0.awake.count } }
    var asleep: Int { state.withLock { $0.asleep.count + $0.resting.count } }
    var made: Int { state.withLock { $0.made } }
    /// How few and how many were awake at once since it became steady.
    var awakeRange: ClosedRange<Int> { state.withLock { min($0.leastAwake, $0.mostAwake)...$0.mostAwake } }

    func becomeSteady() { state.withLock { $0.isSteady = true } }
    func endSteady() { state.withLock { $0.isSteady = false } }

    /// An awake one that can be used for such a request; to be given back by its `end`. Nil when none can.
    func borrow(_ kind: ContestRequest, _ number: Int) -> ContestCluster? {
        state.withLock { state in
            let count = state.awake.count
            for step in 0..<count {
                let cluster = state.awake[(number * 7919 + step) % count]
                if cluster.begin(kind) { return cluster }
            }
            return nil
        }
    }

    /// Another team's.
    func foreigner(to cluster: ContestCluster) -> ContestCluster? {
        state.withLock { $0.awake.first { $0.team.name != cluster.team.name } }
    }

    private func nextNumber() -> Int {
        state.withLock { state in
            defer { state.made += 1 }
            return state.made
        }
    }

    private func noteAwake(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            guard state.isSteady else { return }
            state.leastAwake = min(state.leastAwake, state.awake.count)
            state.mostAwake = max(state.mostAwake, state.awake.count)
        }
    }

    private func timed(_ name: String, _ body: () async throws -> Void) async throws {
        let start = ContinuousClock.now
        try await body()
        ledger.note(name, (ContinuousClock.now - start).milliseconds)
    }

    /// Notes what goes wrong instead of throwing it.
    func noting(_ name: String, _ body: () async throws -> Void) async {
        do { try await body() } catch { ledger.fail(name, "\(error)") }
    }

    // MARK: - Lives

    /// Makes a cluster, and has it used when its services answer.
    func renew() async {
        let number = nextNumber()
        let team = teams[number % teams.count]
        var made: ContestCluster?
        await noting(Self.names[0]) {
            try await timed(Self.names[0]) {
                made = try await ContestCluster.make(
                    number, team, services: plan.services(ofCluster: number), folder: folder)
            }
        }
        guard let cluster = made else { return }
        await noting(Self.names[1]) {
            try await timed(Self.names[1]) {
                try await cluster.deploy(image: image, machine: machine)
                try await cluster.untilServicesAnswer()
            }
        }
        noteAwake { $0.awake.append(cluster) }
    }

    private func takeOldestAwake() -> ContestCluster? {
        var taken: ContestCluster?
        noteAwake { if !$0.awake.isEmpty { taken = $0.awake.removeFirst() } }
        return taken
    }

    private func takeAsleep(beyond count: Int = 0) -> ContestCluster? {
        state.withLock { $0.asleep.count > count ? $0.asleep.removeFirst() : nil }
    }

    /// Puts the one that has been awake for longest to sleep.
    func putToSleep() async {
        guard let cluster = takeOldestAwake() else { return }
        await noting(Self.names[3]) { try await timed(Self.names[3]) { try await cluster.sleep() } }
        state.withLock { $0.asleep.append(cluster) }
    }

    /// Wakes the one that has slept for longest by a request to its service; false when none sleeps.
    @discardableResult
    func wake() async -> Bool {
        guard let cluster = takeAsleep() else { return false }
        await noting(Self.names[2]) { try await timed(Self.names[2]) { try await cluster.wake() } }
        await noting(Self.names[1]) { try await cluster.untilServicesAnswer() }
        cluster.use()
        noteAwake { $0.awake.append(cluster) }
        return true
    }

    func reclaimAwake() async {
        guard let cluster = takeOldestAwake() else { return }
        await noting(Self.names[4]) { try await timed(Self.names[4]) { try await cluster.delete() } }
    }

    /// - Parameter count: so many stay.
    @discardableResult
    func reclaimAsleep(beyond count: Int = 0) async -> Bool {
        guard let cluster = takeAsleep(beyond: count) else { return false }
        await noting(Self.names[5]) { try await timed(Self.names[5]) { try await cluster.delete() } }
        return true
    }

    // MARK: - Those that only rest

    /// Makes one that has objects, and sleeps from then on.
    func rest(_ index: Int, of team: ContestTeam? = nil) async {
        let team = team ?? teams[index % teams.count]
        await noting(Self.names[0]) {
            let start = ContinuousClock.now
            let cluster = try await ContestCluster.make(1_000_000 + index, team, services: 1, folder: folder)
            ledger.note(Self.names[0], (ContinuousClock.now - start).milliseconds)
            try await cluster.deploy(image: image, machine: nil)
            try await team.sleep(cluster.name)
            try await cluster.close()
            state.withLock { $0.resting.append((team, cluster.name)) }
        }
    }

    func reclaimResting() async -> Bool {
        guard let (team, name) = state.withLock({ $0.resting.popLast() }) else { return false }
        await noting(Self.names[5]) { try await team.delete(name) }
        return true
    }
}
