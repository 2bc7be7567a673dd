import Dispatch
import KubeControllers
import KubeObject
import Logging
import ServiceLifecycle
import Synchronization

/// Makes backups of the store when they are due, checks each, and removes old ones.
///
/// Concurrency: one task; the work itself blocks a thread that may be blocked. A backup that was begun isn't waited for at shutdown: what is
/// unfinished is told apart by its name, and removed the next time.
struct BackupKeeper: Service {
    private let configuration: Configuration
    private let plan: BackupPlan
    private let state: Shared
    private let logger: Logger

    private final class Shared: Sendable {
        let state: Mutex<BackupState>
        init(_ state: BackupState) { self.state = Mutex(state) }
    }

    /// - Throws: when the schedule can't be read. Nil without one.
    init?(_ configuration: Configuration, logger: Logger) throws {
        guard let schedule = try configuration.backupCronSchedule() else { return nil }
        self.configuration = configuration
        self.logger = logger
        plan = BackupPlan(schedule: schedule)
        var known = BackupState()
        do {
            if let saved = try BackupState.load(configuration) { known = saved }
        } catch {
            logger.warning("how backups went before can't be read", metadata: ["error": "\(error)"])
        }
        state = Shared(known)
    }

    /// In Prometheus' text format.
    var metricsText: String { state.state.withLock { $0 }.metricsText }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let now = Timestamp.seconds
                var known = state.state.withLock { $0 }
                known.next = plan.next(last: known.lastSuccess, failed: known.failedAt, now: now)
                note(known)
                guard let next = known.next else { return }
                if next > now {
                    // A clock that is put right meanwhile is looked at again.
                    do { try await Task.sleep(for: .seconds(min(next - now, 60))) } catch { return }
                    continue
                }
                await withCheckedContinuation { continuation in
                    DispatchQueue.global(qos: .utility).async {
                        attempt(now)
                        continuation.resume()
                    }
                }
            }
        }
    }

    private func attempt(_ now: Double) {
        let start = ContinuousClock.now
        var known = state.state.withLock { $0 }
        let folder = BackupFolder(path: configuration.backupDirectory)
        do {
            let backup = try folder.make(of: configuration, now: now, makesFolder: configuration.backupPath == nil)
            known.lastSuccess = now
            known.lastName = backup.name
            known.lastSize = backup.size
            known.lastDuration = (ContinuousClock.now - start).milliseconds / 1000
            known.successes += 1
            known.failedAt = nil
            known.failure = ""
            let removed = try folder.removeOld(of: configuration, keeping: configuration.backupKeep)
            logger.info(
                "a backup was made and checked",
                metadata: [
                    "backup": "\(backup.path)", "size": "\(backup.size)", "clusters": "\(backup.clusters)",
                    "seconds": "\(known.lastDuration)", "removed": "\(removed.joined(separator: ", "))",
                ])
        } catch {
            known.failedAt = now
            known.failure = "\(error)"
            known.failures += 1
            logger.error("a backup failed and is tried again", metadata: ["directory": "\(folder.path)", "error": "\(error)"])
        }
        note(known)
    }

    private func note(_ known: BackupState) {
        let isNew = state.state.withLock { state in
            defer { state = known }
            return state != known
        }
        guard isNew else { return }
        do { try known.save(configuration) } catch {
            logger.warning("how backups go can't be written down", metadata: ["error": "\(error)"])
        }
    }
}
