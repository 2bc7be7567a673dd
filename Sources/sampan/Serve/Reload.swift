import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// Takes up, at SIGHUP, what has been changed in files while the server runs. What can't be used is told in the log, and changes nothing.
struct Reload: Service {
    let logger: Logger
    let body: @Sendable () async throws -> Void

    init(logger: Logger, _ body: @escaping @Sendable () async throws -> Void) {
        self.logger = logger
        self.body = body
    }

    /// A signal that comes before there is anything to take up mustn't end the server, which is reading its files anyway.
    static func ignoreEarlySignals() { signal(SIGHUP, SIG_IGN) }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try await body()
                logger.notice("took up what was changed in files")
            } catch {
                logger.error("couldn't take up what was changed in files", metadata: ["error": "\(error)"])
            }
        }
    }
}
