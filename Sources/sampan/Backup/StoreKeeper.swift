import Dispatch
import FoundationEssentials
import KubeClient
import KubeObject
import KubeStore
import Logging
import ServiceLifecycle
import Synchronization

/// How the store's file is, as the doctor and metrics tell it.
struct StoreState: Sendable, Equatable {
    /// When all of it was last read, in seconds since 1970; 0 for never.
    var checked: Double = 0
    /// What was wrong then; empty when nothing was.
    var complaints: [String] = []
    var size: Int64 = 0
    var free: Int64 = 0
    var checks: Int64 = 0
    /// How often it was written anew without what was free in it.
    var compactions: Int64 = 0

    init() {}

    var tree: JSON {
        [
            "checkedTime": .string(Timestamp.format(checked)), "complaints": JSON(complaints), "size": .int(size),
            "free": .int(free),
            "checks": .int(checks), "compactions": .int(compactions),
        ]
    }

    init(_ tree: JSON) {
        checked = (tree["checkedTime"]?.string).flatMap { Timestamp.parse($0) } ?? 0
        complaints = tree["complaints"]?.strings ?? []
        size = tree["size"]?.int ?? 0
        free = tree["free"]?.int ?? 0
        checks = tree["checks"]?.int ?? 0
        compactions = tree["compactions"]?.int ?? 0
    }

    static func path(_ configuration: Configuration) -> String { configuration.dataDirectory + "/store-state.json" }

    /// What a server wrote last; nil when none did.
    static func load(_ configuration: Configuration) throws -> StoreState? {
        guard let bytes = try AtomicFile.read(path(configuration)) else { return nil }
        return StoreState(try JSON(parsing: bytes))
    }

    func save(_ configuration: Configuration) throws {
        try AtomicFile.write(tree.encoded() + [10], to: Self.path(configuration), mode: 0o600)
    }

    /// In Prometheus' text format.
    var metricsText: String {
        func series(_ name: String, _ type: String, _ help: String, _ value: String) -> String {
            "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
        }
        return series(
            "sampan_store_last_check_timestamp_seconds", "gauge", "When all of the store's file was last read; 0 for never.",
            "\(checked)")
            + series("sampan_store_damaged", "gauge", "1 when it wasn't sound then.", complaints.isEmpty ? "0" : "1")
            + series("sampan_store_checks_total", "counter", "How often it was read.", "\(checks)")
            + series(
                "sampan_store_compactions_total", "counter", "How often it was written anew without what was free in it.",
                "\(compactions)")
            + series("sampan_store_size_bytes", "gauge", "Its size at the last check.", "\(size)")
            + series("sampan_store_free_bytes", "gauge", "What of it is free for what comes.", "\(free)")
    }
}

/// Reads the store's file from end to end a moment after each start and once a day, to see whether it is sound; and compacts it at a start when most of
/// it is free.
///
/// Concurrency: one task; the work itself blocks a thread that may be blocked.
struct StoreKeeper: Service {
    /// Between two checks, in seconds.
    static let interval: Double = 86_400
    /// A start isn't held up for longer than writing so much takes, in bytes.
    private static let maximumCompaction: Int64 = 1 << 30

    private let configuration: Configuration
    private let state: Shared
    private let logger: Logger

    private final class Shared: Sendable {
        let state: Mutex<StoreState>
        init(_ state: StoreState) { self.state = Mutex(state) }
    }

    private static func directory(_ configuration: Configuration) -> String { configuration.dataDirectory + "/store" }

    /// Compacts the store if it is worth while: before it is opened.
    init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        var known = StoreState()
        do {
            if let saved = try StoreState.load(configuration) { known = saved }
        } catch {
            logger.warning("how the store was before can't be read", metadata: ["error": "\(error)"])
        }
        let path = Self.directory(configuration)
        if FileManager.default.fileExists(atPath: path + "/store.sqlite") {
            do {
                let found = try StoreInspection(of: path, reads: false)
                if found.isLoose, found.size - found.free <= Self.maximumCompaction {
                    let start = ContinuousClock.now
                    try Store.compact(directory: path)
                    known.compactions += 1
                    logger.notice(
                        "the store's file was compacted, since most of it was free",
                        metadata: ["was": "\(found.size)", "free": "\(found.free)", "took": "\(ContinuousClock.now - start)"])
                }
            } catch {
                // It is as it was; opening it says what is wrong with it, if anything is.
                logger.warning("the store's file can't be compacted", metadata: ["error": "\(error)"])
            }
        }
        state = Shared(known)
    }

    /// In Prometheus' text format.
    var metricsText: String { state.state.withLock { $0 }.metricsText }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The start comes first.
            var wait: Double = 5
            while !Task.isCancelled {
                do { try await Task.sleep(for: .seconds(wait)) } catch { return }
                await withCheckedContinuation { continuation in
                    DispatchQueue.global(qos: .utility).async {
                        check()
                        continuation.resume()
                    }
                }
                wait = Self.interval
            }
        }
    }

    private func check() {
        var known = state.state.withLock { $0 }
        do {
            let found = try StoreInspection(of: Self.directory(configuration), reads: true)
            known.complaints = found.complaints ?? []
            known.size = found.size
            known.free = found.free
            known.checked = Timestamp.seconds
            known.checks += 1
            if !known.complaints.isEmpty {
                logger.critical(
                    "the store's file is damaged: restore a backup",
                    metadata: ["because": "\(known.complaints.joined(separator: "; "))"])
            }
        } catch {
            logger.error("the store's file can't be read through", metadata: ["error": "\(error)"])
            known.complaints = ["\(error)"]
        }
        let result = known
        state.state.withLock { $0 = result }
        do { try result.save(configuration) } catch {
            logger.warning("how the store is can't be written down", metadata: ["error": "\(error)"])
        }
    }
}
