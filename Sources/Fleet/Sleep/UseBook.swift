import KubeAPI
import KubeObject
import Synchronization

/// What is known of the clusters' use since the server started, and which of them sleep.
///
/// Concurrency: one mutex, held for dictionary work; any task may ask. A cluster that nobody used has no entry.
final class UseBook: Sendable {
    struct Use: Sendable, Equatable {
        /// Seconds since 1970.
        var time: Double
        var text: String
    }

    private struct Entry {
        var last: Use
        /// Uses that go on, by their number.
        var open: [UInt64: String] = [:]
        /// Not in the cluster's object yet.
        var isUnwritten = true
        var wake: Wake?
        /// Why the last wake wasn't to be.
        var refusal: String?
    }

    /// A cluster that is being woken.
    struct Wake: Sendable, Equatable {
        var start: ContinuousClock.Instant
        var use: ClusterUse
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var asleep: Set<String> = []
        /// Whose pods are at rest for another reason than sleep, and for whom.
        var paused: [String: Set<String>] = [:]
        var number: UInt64 = 0
    }

    /// How long a request is held for a cluster that wakes.
    static let patience: Duration = .seconds(60)

    private let state = Mutex(State())
    private let now: @Sendable () -> Double

    init(now: @escaping @Sendable () -> Double = { Timestamp.seconds }) { self.now = now }

    // MARK: Which sleep

    /// Whether its pods are not to run.
    func isAsleep(_ name: String) -> Bool { state.withLock { $0.asleep.contains(name) || $0.paused[name] != nil } }

    /// Keeps a cluster's pods at rest, whether it sleeps or not, or does so no more for this reason.
    ///
    /// - Returns: whether that is news.
    func set(_ name: String, isPaused: Bool, for reason: String) -> Bool {
        state.withLock { state in
            let before = state.paused[name] != nil
            if isPaused {
                state.paused[name, default: []].insert(reason)
            } else {
                state.paused[name]?.remove(reason)
                if state.paused[name]?.isEmpty == true { state.paused[name] = nil }
            }
            return before != (state.paused[name] != nil)
        }
    }

    var asleep: Set<String> { state.withLock { $0.asleep } }

    /// - Returns: whether that is news.
    func set(_ name: String, isAsleep: Bool) -> Bool {
        state.withLock { state in
            guard isAsleep else { return state.asleep.remove(name) != nil }
            // Whatever woke it before: the next use has to wake it again.
            state.entries[name]?.wake = nil
            return state.asleep.insert(name).inserted
        }
    }

    /// The cluster is gone.
    func forget(_ name: String) {
        state.withLock { state in
            state.entries[name] = nil
            state.asleep.remove(name)
            state.paused[name] = nil
        }
    }

    // MARK: Use

    /// Something that somebody does until it is let go of.
    final class OpenUse: Sendable {
        private let book: UseBook
        private let name: String
        private let number: UInt64

        fileprivate init(_ book: UseBook, _ name: String, _ number: UInt64) {
            self.book = book
            self.name = name
            self.number = number
        }

        deinit { book.end(name, number) }
    }

    /// Notes a use that goes on for as long as the result is kept.
    ///
    /// - Returns: and whether the cluster is to be woken for it, which is told once.
    func begin(_ use: ClusterUse, of name: String) -> (open: OpenUse, mustWake: Bool) {
        let time = now()
        let (number, mustWake) = state.withLock { state in
            state.number += 1
            var entry = state.entries[name] ?? Entry(last: Use(time: time, text: use.text))
            entry.last = Use(time: time, text: use.text)
            entry.isUnwritten = true
            entry.open[state.number] = use.text
            var mustWake = false
            if use.needsPods, state.asleep.contains(name), entry.wake == nil {
                entry.wake = Wake(start: .now, use: use)
                entry.refusal = nil
                mustWake = true
            }
            state.entries[name] = entry
            return (state.number, mustWake)
        }
        return (OpenUse(self, name, number), mustWake)
    }

    private func end(_ name: String, _ number: UInt64) {
        let time = now()
        state.withLock { state in
            guard let text = state.entries[name]?.open.removeValue(forKey: number) else { return }
            state.entries[name]?.last = Use(time: time, text: text)
            state.entries[name]?.isUnwritten = true
        }
    }

    /// Notes a use that was found out about afterwards.
    func note(_ use: Use, of name: String) {
        state.withLock { state in
            if let known = state.entries[name] {
                guard known.last.time < use.time else { return }
                state.entries[name]?.last = use
                state.entries[name]?.isUnwritten = true
            } else {
                state.entries[name] = Entry(last: use)
            }
        }
    }

    func last(of name: String) -> Use? { state.withLock { $0.entries[name]?.last } }

    /// What goes on now.
    func open(of name: String) -> [String] { state.withLock { Array(($0.entries[name]?.open ?? [:]).values) } }

    /// The last uses that their clusters' objects don't tell of yet; they are taken for written from now on.
    func takeUnwritten() -> [String: Use] {
        state.withLock { state in
            var unwritten: [String: Use] = [:]
            for (name, entry) in state.entries where entry.isUnwritten {
                unwritten[name] = entry.last
                // One that goes on is in use at the next look too.
                state.entries[name]?.isUnwritten = !entry.open.isEmpty
            }
            return unwritten
        }
    }

    // MARK: Waking

    /// The wake that goes on; begun by somebody's use or by `begin`.
    func wake(of name: String) -> Wake? { state.withLock { $0.entries[name]?.wake } }

    /// Begins a wake for which nobody's use is the reason; false when one goes on.
    func beginWake(_ name: String, _ use: ClusterUse) -> Bool {
        state.withLock { state in
            if state.entries[name]?.wake != nil { return false }
            state.entries[name, default: Entry(last: Use(time: 0, text: ""), isUnwritten: false)].wake = Wake(
                start: .now, use: use)
            return true
        }
    }

    /// - Returns: false when the cluster has fallen asleep again meanwhile.
    @discardableResult
    func endWake(_ name: String, _ wake: Wake, refusal: String? = nil) -> Bool {
        state.withLock { state in
            guard state.entries[name]?.wake == wake else { return false }
            state.entries[name]?.wake = nil
            state.entries[name]?.refusal = refusal
            return true
        }
    }

    func refusal(of name: String) -> String? { state.withLock { $0.entries[name]?.refusal } }

    /// Until when somebody is to wait for the cluster's pods; nil when they ought to run.
    func patience(with name: String) -> ContinuousClock.Instant? {
        state.withLock { state in
            if let wake = state.entries[name]?.wake { return wake.start + Self.patience }
            return state.asleep.contains(name) || state.paused[name] != nil ? .now + Self.patience : nil
        }
    }
}
