import Fleet
import KubeStore
import Logging
import ServiceLifecycle

/// Makes the administrator's kubeconfig anew long before its certificate ends, while a server runs for so long.
///
/// Concurrency: one task, which sleeps.
struct AdministratorKeeper: Service {
    let logger: Logger
    let write: @Sendable () throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: .seconds(RootCluster.administratorLifetime / 6)) } catch { return }
                do {
                    try write()
                    Healings.process.note(.certificates)
                    logger.notice("Renewed the administrator's kubeconfig")
                } catch {
                    logger.error(
                        "the administrator's kubeconfig can't be renewed; the old one is good, and this is tried again",
                        metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
