import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// Takes up, at SIGHUP, what has been changed in files while the server runs. What can't be used is told in the log and changes nothing, and
/// keeps nothing else from being taken up.
struct Reload: Service {
    struct Part: Sendable {
        var name: String
        var takeUp: @Sendable () throws -> Void
    }

    let logger: Logger
    let parts: [Part]
    /// Goes on beside: another signal needn't wait for it.
    let afterwards: @Sendable () async -> Void

    /// A signal that comes before there is anything to take up mustn't end the server, which is reading its files anyway.
    static func ignoreEarlySignals() { signal(SIGHUP, SIG_IGN) }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
                for part in parts {
                    do {
                        try part.takeUp()
                        logger.notice("took up a file", metadata: ["of": "\(part.name)"])
                    } catch {
                        logger.error("couldn't take up a file", metadata: ["of": "\(part.name)", "error": "\(error)"])
                    }
                }
                group.addTask { await afterwards() }
            }
            group.cancelAll()
        }
    }
}
