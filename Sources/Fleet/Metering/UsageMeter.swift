import KubeObject
import KubeStore
import Synchronization

/// What a pod has used by now, as the kernel counts it: all that it ever had, also of containers that lived for a moment.
public struct PodUse: Sendable {
    /// The cluster's id in the store.
    public var cluster: Int64
    /// Of this count: another one when it begins at 0 again.
    public var key: String
    /// Processor time since it began, in nanoseconds.
    public var processorNanoseconds: UInt64
    /// Its working set now, in bytes.
    public var memory: Int64

    /// As described at each property.
    public init(cluster: Int64, key: String, processorNanoseconds: UInt64, memory: Int64) {
        self.cluster = cluster
        self.key = key
        self.processorNanoseconds = processorNanoseconds
        self.memory = memory
    }
}

/// Adds up what clusters use in the hour that goes on.
///
/// Concurrency: one mutex, held for arithmetic; requests and changes of clusters are noted by any task, the rest by the one that keeps the ledger.
final class UsageMeter: Sendable {
    /// A cluster, as records name it.
    struct Name: Sendable, Hashable {
        var team: String
        var cluster: String
        var uid: String

        /// - Parameter logical: the logical cluster's name.
        init(logical: String, uid: String) {
            (team, cluster) = ClusterName.parts(of: logical)
            self.uid = uid
        }
    }

    private struct State {
        var checkpoint: UsageCheckpoint
        var records: [String: UsageRecord] = [:]
        /// Requests since the last look, by the cluster's id.
        var requests: [Int64: (name: Name, count: Int64)] = [:]
        /// The clusters that are awake, and since when that isn't counted yet.
        var awake: [Name: ContinuousClock.Instant] = [:]
        var totals: [String: UsageAmounts] = [:]

        mutating func add(_ amounts: UsageAmounts, _ name: Name) {
            guard !amounts.isZero else { return }
            records[
                name.uid,
                default: UsageRecord(hour: checkpoint.hour, team: name.team, cluster: name.cluster, uid: name.uid)
            ].amounts += amounts
            let team = totals[name.team] != nil || totals.count < UsageMeter.maximumSeries ? name.team : UsageMeter.otherTeams
            totals[team, default: UsageAmounts()] += amounts
        }

        /// What a pod has used beyond what is counted.
        mutating func count(_ pod: PodUse, elapsed: Double, _ name: (Int64) -> Name?) {
            guard let name = name(pod.cluster) else { return }
            // What is there when counting begins for the first time has run for nobody knows how long.
            let start = checkpoint.counted[pod.key]?.nanoseconds ?? (checkpoint.hasCounted ? 0 : pod.processorNanoseconds)
            let used = pod.processorNanoseconds - min(pod.processorNanoseconds, start)
            add(
                UsageAmounts(cpuSeconds: Double(used) / 1e9, memoryByteSeconds: Double(max(pod.memory, 0)) * elapsed), name)
        }
    }

    /// Whether pods have been looked at.
    var hasCounted: Bool { state.withLock { $0.checkpoint.hasCounted } }

    /// Of so many teams there are metrics.
    static let maximumSeries = 100
    /// All others. No team can have this name.
    static let otherTeams = "_other"
    /// After so many looks in which it wasn't found a pod is forgotten.
    static let maximumMissed = 10

    private let state: Mutex<State>

    /// - Parameter checkpoint: where counting goes on.
    init(_ checkpoint: UsageCheckpoint) {
        var state = State(checkpoint: checkpoint)
        for record in checkpoint.records { state.records[record.uid] = record }
        self.state = Mutex(state)
    }

    // MARK: What happens

    func countRequest(_ cluster: LogicalCluster) {
        let id = cluster.id
        state.withLock { state in
            if state.requests[id] != nil {
                state.requests[id]?.count += 1
            } else {
                state.requests[id] = (Name(logical: cluster.name, uid: cluster.uid), 1)
            }
        }
    }

    /// A cluster is awake from now on, or isn't any more.
    func set(_ name: Name, isAwake: Bool, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            if isAwake {
                if state.awake[name] == nil { state.awake[name] = now }
            } else if let since = state.awake.removeValue(forKey: name) {
                state.add(UsageAmounts(awakeSeconds: Self.seconds(since.duration(to: now))), name)
            }
        }
    }

    // MARK: Looking

    /// Counts what was used since the last look.
    ///
    /// - Parameters:
    ///   - elapsed: the seconds since then, by a clock that doesn't jump.
    ///   - pods: that are there; nil when it isn't known.
    ///   - ended: pods that were there and aren't any more, with what they had used in the end.
    ///   - storage: what claims request, by cluster.
    ///   - name: the cluster of an id, if there is one.
    func look(
        now: ContinuousClock.Instant, elapsed: Double, pods: [PodUse]?, ended: [PodUse] = [],
        storage: [(name: Name, bytes: Int64)],
        name: (Int64) -> Name?
    ) {
        state.withLock { state in
            for (_, entry) in state.requests { state.add(UsageAmounts(requests: entry.count), entry.name) }
            state.requests = [:]
            for (name, since) in state.awake {
                state.add(UsageAmounts(awakeSeconds: Self.seconds(since.duration(to: now))), name)
                state.awake[name] = now
            }
            for (name, bytes) in storage { state.add(UsageAmounts(storageByteSeconds: Double(bytes) * elapsed), name) }
            if let pods {
                var found: [String: UsageCheckpoint.Counted] = [:]
                for pod in pods {
                    state.count(pod, elapsed: elapsed, name)
                    found[pod.key] = .init(
                        nanoseconds: max(pod.processorNanoseconds, state.checkpoint.counted[pod.key]?.nanoseconds ?? 0))
                }
                for (key, counted) in state.checkpoint.counted where found[key] == nil && counted.missed < Self.maximumMissed {
                    found[key] = .init(nanoseconds: counted.nanoseconds, missed: counted.missed + 1)
                }
                state.checkpoint.counted = found
                state.checkpoint.hasCounted = true
            }
            for pod in ended {
                state.count(pod, elapsed: 0, name)
                state.checkpoint.counted[pod.key] = nil
            }
        }
    }

    /// The hour so far.
    var checkpoint: UsageCheckpoint {
        state.withLock { state in
            var checkpoint = state.checkpoint
            checkpoint.records = state.records.values.sorted { ($0.team, $0.cluster, $0.uid) < ($1.team, $1.cluster, $1.uid) }
            return checkpoint
        }
    }

    /// The hour is in the ledger; another one begins.
    ///
    /// - Parameter closed: as it was written. What was added since then belongs to the new hour.
    func begin(hour: Double, after closed: UsageCheckpoint) {
        state.withLock { state in
            let written = Dictionary(closed.records.map { ($0.uid, $0.amounts) }, uniquingKeysWith: { $1 })
            var rest: [String: UsageRecord] = [:]
            for (uid, record) in state.records {
                var record = record
                if let amounts = written[uid] {
                    record.amounts.cpuSeconds -= amounts.cpuSeconds
                    record.amounts.memoryByteSeconds -= amounts.memoryByteSeconds
                    record.amounts.storageByteSeconds -= amounts.storageByteSeconds
                    record.amounts.awakeSeconds -= amounts.awakeSeconds
                    record.amounts.requests -= amounts.requests
                }
                guard !record.amounts.isZero else { continue }
                record.hour = hour
                rest[uid] = record
            }
            state.records = rest
            state.checkpoint.hour = hour
            state.checkpoint.sequence = closed.sequence + 1
        }
    }

    private static func seconds(_ duration: Duration) -> Double { max(duration / .seconds(1), 0) }

    // MARK: Metrics

    /// What was used since the server started, in Prometheus' text format: by team, of a bounded number of teams.
    var metricsText: String {
        let totals = state.withLock { $0.totals }.sorted { $0.key < $1.key }
        var text = ""
        func series(_ name: String, _ help: String, _ value: (UsageAmounts) -> String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n"
            for (team, amounts) in totals { text += "\(name){team=\"\(team)\"} \(value(amounts))\n" }
        }
        series("sampan_usage_cpu_seconds_total", "Processor time of teams' containers.") { "\($0.cpuSeconds)" }
        series("sampan_usage_memory_byte_seconds_total", "Memory of teams' containers over time.") { "\($0.memoryByteSeconds)" }
        series("sampan_usage_storage_byte_seconds_total", "What teams' claims request over time.") { "\($0.storageByteSeconds)" }
        series("sampan_usage_awake_seconds_total", "How long teams' clusters were awake.") { "\($0.awakeSeconds)" }
        series("sampan_usage_requests_total", "Requests to teams' clusters that were let in.") { "\($0.requests)" }
        return text
    }
}
