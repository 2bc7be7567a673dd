import KubeObject
import KubeStore
import Synchronization

/// What clusters have of the machine, and what has been promised to requests that aren't stored yet: the one holder of the count for quotas over
/// several clusters.
///
/// A cluster's account is opened with what its snapshot holds and then follows its commits, each of which is told before its writer is
/// answered. Who wants more reserves it here first: looking and reserving is one step, so that any number of requests at once can't take the
/// same room. A reservation becomes a part of what is used when its object is stored, in one step too, and ends with its request otherwise.
/// Nothing is written anywhere; after a start accounts are opened anew.
///
/// Concurrency: one mutex, held for arithmetic only; objects are read outside of it.
final class QuotaBook: Sendable {
    private struct Account {
        let name: String
        let team: String
        /// Up to here the cluster's changes are counted.
        var revision: UInt64
        var used: MachineAmounts
        /// Of that what pods have of which something runs.
        var running: MachineAmounts
        var isAwake: Bool
        var reservations: [String: MachineAmounts] = [:]
        /// How many requests want to wake it.
        var wakes = 0

        var held: MachineAmounts { reservations.values.reduce(used, +) }

        /// What counts for the team: of a cluster that has fallen asleep also what hasn't stopped yet.
        var counted: MachineAmounts {
            let held = held
            if isAwake || wakes > 0 { return held }
            var kept = running
            for resource in MachineResource.allCases where resource.outlastsSleep { kept[resource] = held[resource] }
            return kept
        }
    }

    /// What one commit does to an account.
    struct Change: Sendable {
        var revision: UInt64
        var before: Amounts
        var after: Amounts
        /// Of an object that is new: whose reservation it was.
        var created: String?
    }

    /// What an object has, and what of it if something of it runs.
    struct Amounts: Sendable, Equatable {
        var all = MachineAmounts()
        var running = MachineAmounts()

        init() {}

        init(_ object: Object, _ resource: GroupResource) {
            all = MachineCharge.of(object.tree, resource)
            if MachineCharge.isPods(resource), MachineCharge.isRunning(object.tree) { running = all }
        }
    }

    private struct State {
        var accounts: [Int64: Account] = [:]
        var ids: [String: Int64] = [:]
        var teams: [String: Set<Int64>] = [:]
        /// What happened to clusters while their snapshots are being read.
        var opening: [Int64: [Change]] = [:]
        /// Teams all of whose clusters have accounts.
        var whole: Set<String> = []
        var changed: Set<String> = []
        var number: UInt64 = 0

        mutating func close(_ id: Int64) {
            opening[id] = nil
            guard let account = accounts.removeValue(forKey: id) else { return }
            if ids[account.name] == id { ids[account.name] = nil }
            teams[account.team]?.remove(id)
            if teams[account.team]?.isEmpty == true { teams[account.team] = nil }
            changed.insert(account.name)
        }

        mutating func add(_ account: Account, id: Int64) {
            accounts[id] = account
            ids[account.name] = id
            teams[account.team, default: []].insert(id)
            changed.insert(account.name)
        }

        func sum(of team: String, but excluded: Int64? = nil) -> MachineAmounts {
            (teams[team] ?? []).reduce(into: MachineAmounts()) { sum, id in
                if id != excluded, let account = accounts[id] { sum += account.counted }
            }
        }

        func holders(of team: String, _ exceeded: [QuotaRefusal.Exceeded]) -> [QuotaRefusal.Holder] {
            exceeded.map(\.resource).flatMap { resource in
                (teams[team] ?? []).compactMap { id -> QuotaRefusal.Holder? in
                    guard let account = accounts[id], account.counted[resource] > 0 else { return nil }
                    let name = ClusterName.parts(of: account.name).name
                    return .init(name: name, amount: account.counted[resource], resource: resource)
                }.sorted { ($1.amount, $0.name) < ($0.amount, $1.name) }
            }
        }
    }

    private let state = Mutex(State())

    // MARK: Accounts

    func isOpen(_ id: Int64) -> Bool { state.withLock { $0.accounts[id] != nil } }

    /// Whether all of a team's clusters have accounts.
    func isWhole(_ team: String) -> Bool { state.withLock { $0.whole.contains(team) } }

    /// Notes that all clusters which the team has have accounts; those that are made later get theirs as they are made. Nothing is noted when one
    /// has none.
    ///
    /// - Parameter clusters: the team's by now. Asked where nobody can be told of a new one at the same time, so that none is missed.
    func markWhole(_ team: String, clusters: @Sendable () -> [Int64]) {
        state.withLock { state in
            if clusters().allSatisfy({ state.accounts[$0] != nil }) { state.whole.insert(team) }
        }
    }

    /// Gives a cluster an account.
    ///
    /// - Parameter isAwake: asked at the moment when the account begins to be told of changes.
    func open(_ cluster: LogicalCluster, isAwake: @Sendable () -> Bool) {
        let mustRead = state.withLock { state in
            if state.accounts[cluster.id] != nil { return false }
            if state.opening[cluster.id] == nil { state.opening[cluster.id] = [] }
            return true
        }
        guard mustRead else { return }
        let snapshot = cluster.snapshot
        var (used, running) = (MachineAmounts(), MachineAmounts())
        for resource in Self.counted {
            for object in snapshot.list(prefix: Key.prefix(group: resource.group, plural: resource.resource, namespace: nil)) {
                let amounts = Amounts(object, resource)
                used += amounts.all
                running += amounts.running
            }
        }
        state.withLock { state in
            // Somebody else may have been quicker.
            guard let missed = state.opening.removeValue(forKey: cluster.id), !cluster.isDeleted else { return }
            var account = Account(
                name: cluster.name, team: Self.team(of: cluster.name), revision: snapshot.revision, used: used, running: running,
                isAwake: isAwake())
            for change in missed { Self.apply(change, to: &account) }
            state.add(account, id: cluster.id)
        }
    }

    static let counted = [
        GroupResource(group: "", resource: "pods"), GroupResource(group: "", resource: "persistentvolumeclaims"),
        GroupResource(group: "", resource: "services"),
    ]
    private static let prefixes = counted.map { Key.prefix(group: $0.group, plural: $0.resource, namespace: nil) }

    static func team(of cluster: String) -> String { ClusterName.parts(of: cluster).namespace }

    // MARK: What happens

    /// Follows a commit. On the writer's thread: for a cluster without an account this is one look into a dictionary.
    func note(_ batch: CommitBatch) {
        let id = batch.cluster.id
        switch batch.lifecycle {
        case .deleted: return state.withLock { $0.close(id) }
        case .created:
            let team = Self.team(of: batch.cluster.name)
            state.withLock { state in
                guard state.whole.contains(team), state.accounts[id] == nil else { return }
                state.add(
                    Account(
                        name: batch.cluster.name, team: team, revision: 0, used: MachineAmounts(), running: MachineAmounts(),
                        isAwake: true), id: id)
            }
        case .unchanged: break
        }
        guard state.withLock({ $0.accounts[id] != nil || $0.opening[id] != nil }) else { return }
        let changes = batch.events.compactMap(Self.change)
        guard !changes.isEmpty else { return }
        state.withLock { state in
            guard var account = state.accounts[id] else {
                state.opening[id]?.append(contentsOf: changes)
                return
            }
            for change in changes { Self.apply(change, to: &account) }
            if changes.contains(where: { $0.before != $0.after }) { state.changed.insert(account.name) }
            state.accounts[id] = account
        }
    }

    private static func change(_ event: Event) -> Change? {
        guard let index = prefixes.firstIndex(where: { event.key.text.hasPrefix($0) }) else { return nil }
        func charge(_ object: Object?) -> Amounts { object.map { Amounts($0, counted[index]) } ?? Amounts() }
        return Change(
            revision: event.revision, before: charge(event.previous),
            after: event.type == .deleted ? Amounts() : charge(event.object),
            created: event.type == .added ? event.object.metadata.uid : nil)
    }

    private static func apply(_ change: Change, to account: inout Account) {
        guard change.revision > account.revision else { return }
        account.revision = change.revision
        account.used += change.after.all
        account.used -= change.before.all
        account.running += change.after.running
        account.running -= change.before.running
        if let uid = change.created { account.reservations[uid] = nil }
    }

    /// A cluster has fallen asleep or woken.
    func set(_ name: String, isAwake: Bool) {
        state.withLock { state in
            guard let id = state.ids[name], state.accounts[id]?.isAwake != isAwake else { return }
            state.accounts[id]?.isAwake = isAwake
            state.changed.insert(name)
        }
    }

    // MARK: Reserving

    /// Room that is kept for a request until its object is stored, or this is let go of.
    final class Reservation: Sendable {
        private let end: @Sendable () -> Void

        fileprivate init(_ end: @escaping @Sendable () -> Void) { self.end = end }

        deinit { end() }
    }

    enum Outcome {
        case reserved(Reservation)
        case refused(QuotaRefusal)
        /// The cluster has no account, or not all of its team's have one.
        case unknown
    }

    /// Keeps room for what a request adds.
    ///
    /// - Parameters:
    ///   - uid: of the object that is to be created; nil for a change of one, whose reservation lasts until it is let go of.
    ///   - limits: the cluster's.
    ///   - quota: its team's.
    func reserve(
        _ amounts: MachineAmounts, uid: String?, in id: Int64, limits: MachineLimits, quota: MachineLimits
    ) -> Outcome {
        state.withLock { state in
            guard let account = state.accounts[id], quota.isEmpty || state.whole.contains(account.team) else { return .unknown }
            if let exceeded = Self.exceeded(limits, has: account.held, wants: amounts) {
                return .refused(
                    QuotaRefusal(scope: .cluster, name: account.name, requested: amounts, exceeded: exceeded, holders: []))
            }
            // What a cluster that sleeps gets is counted for the team when it wakes.
            let isAwake = account.isAwake || account.wakes > 0
            var counted = amounts
            if !isAwake { for resource in MachineResource.allCases where !resource.outlastsSleep { counted[resource] = 0 } }
            if !quota.isEmpty,
                let exceeded = Self.exceeded(quota, has: state.sum(of: account.team), wants: counted)
            {
                return .refused(
                    QuotaRefusal(
                        scope: .team, name: account.team, requested: counted, exceeded: exceeded,
                        holders: state.holders(of: account.team, exceeded)))
            }
            state.number += 1
            let key = uid ?? "change-\(state.number)"
            state.accounts[id]?.reservations[key] = amounts
            return .reserved(Reservation { [weak self] in self?.release(key, of: id) })
        }
    }

    private func release(_ key: String, of id: Int64) {
        state.withLock { state in _ = state.accounts[id]?.reservations.removeValue(forKey: key) }
    }

    /// Keeps room for the pods of a cluster that is to wake.
    func reserveWake(of name: String, quota: MachineLimits) -> Outcome {
        state.withLock { state in
            let team = Self.team(of: name)
            guard state.whole.contains(team) else { return .unknown }
            // A cluster without an account is being made, or going.
            guard let id = state.ids[name], let account = state.accounts[id] else { return .reserved(Reservation {}) }
            let held = account.held
            if let exceeded = Self.exceeded(quota, has: state.sum(of: team, but: id), wants: held, butFor: { $0.outlastsSleep }) {
                return .refused(
                    QuotaRefusal(
                        scope: .waking, name: team, requested: held, exceeded: exceeded,
                        holders: state.holders(of: team, exceeded)))
            }
            state.accounts[id]?.wakes += 1
            return .reserved(Reservation { [weak self] in self?.endWake(of: id) })
        }
    }

    /// Keeps room for a whole cluster that is to be made with pods and claims in it, until the cluster is there and has an account of its own.
    ///
    /// - Parameters:
    ///   - name: the logical cluster's.
    ///   - limits: the cluster's own.
    func reserveCluster(_ amounts: MachineAmounts, name: String, limits: MachineLimits, quota: MachineLimits) -> Outcome {
        state.withLock { state in
            let team = Self.team(of: name)
            guard quota.isEmpty || state.whole.contains(team) else { return .unknown }
            if let exceeded = Self.exceeded(limits, has: MachineAmounts(), wants: amounts) {
                return .refused(QuotaRefusal(scope: .cluster, name: name, requested: amounts, exceeded: exceeded, holders: []))
            }
            if let exceeded = Self.exceeded(quota, has: state.sum(of: team), wants: amounts) {
                return .refused(
                    QuotaRefusal(
                        scope: .team, name: team, requested: amounts, exceeded: exceeded,
                        holders: state.holders(of: team, exceeded)))
            }
            // No cluster has such an id.
            state.number += 1
            let id = -Int64(clamping: state.number)
            state.add(
                Account(name: name, team: team, revision: 0, used: amounts, running: MachineAmounts(), isAwake: true), id: id)
            return .reserved(Reservation { [weak self] in self?.state.withLock { $0.close(id) } })
        }
    }

    private func endWake(of id: Int64) { state.withLock { $0.accounts[id]?.wakes -= 1 } }

    /// Of which resources there isn't room for more; nil when there is of all. Who wants nothing of a resource isn't refused for it.
    private static func exceeded(
        _ limits: MachineLimits, has: MachineAmounts, wants: MachineAmounts, butFor: (MachineResource) -> Bool = { _ in false }
    ) -> [QuotaRefusal.Exceeded]? {
        let exceeded: [QuotaRefusal.Exceeded] = MachineResource.allCases.compactMap { resource in
            guard let limit = limits[resource], wants[resource] > 0, !butFor(resource) else { return nil }
            guard has[resource] > limit || wants[resource] > limit - has[resource] else { return nil }
            return .init(resource: resource, used: has[resource], limit: limit)
        }
        return exceeded.isEmpty ? nil : exceeded
    }

    // MARK: Telling

    /// What a cluster has; nil for one without an account.
    func used(by name: String) -> MachineAmounts? {
        state.withLock { state in state.ids[name].flatMap { state.accounts[$0]?.used } }
    }

    /// What a team has: of its clusters that are awake everything, of the others what outlasts sleep.
    func used(byTeam team: String) -> MachineAmounts? {
        state.withLock { state in
            guard state.whole.contains(team) else { return nil }
            return (state.teams[team] ?? []).reduce(into: MachineAmounts()) { sum, id in
                guard var account = state.accounts[id] else { return }
                account.reservations = [:]
                sum += account.counted
            }
        }
    }

    /// What the claims of clusters request, of all that have accounts and claims.
    var storage: [(cluster: String, bytes: Int64)] {
        state.withLock { state in
            state.accounts.values.compactMap { $0.used[.storage] > 0 ? ($0.name, $0.used[.storage]) : nil }
        }
    }

    /// The clusters of which something has changed since the last call.
    func takeChanged() -> Set<String> {
        state.withLock { state in
            defer { state.changed = [] }
            return state.changed
        }
    }
}
