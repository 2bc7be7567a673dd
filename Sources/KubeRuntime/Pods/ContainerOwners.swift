import Synchronization

/// Which pod's worker a container or sandbox belongs to, by the engine's ID, and what state it was seen in.
final class ContainerOwners: Sendable {
    private let workers = Mutex<[String: PodWorker]>([:])

    func note(_ ids: some Sequence<String>, _ worker: PodWorker) {
        workers.withLock { workers in for id in ids { workers[id] = worker } }
    }

    func worker(of id: String) -> PodWorker? { workers.withLock { $0[id] } }

    func forget(_ worker: PodWorker) { workers.withLock { $0 = $0.filter { $0.value !== worker } } }
}
