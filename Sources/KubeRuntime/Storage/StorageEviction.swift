import KubeObject
import Logging

/// Ends pods that have taken more of the disk than they may. Pods without limits aren't looked at.
struct StorageEviction: Sendable {
    let workers: @Sendable () -> [PodWorker]
    let engine: ContainerEngine

    /// As often as kubelet looks; when looking takes long, less often.
    static let period: Duration = .seconds(10)
    /// Seconds in which containers are to end, as with kubelet's eviction for local storage.
    private static let gracePeriod: Int64 = 1

    /// Looks until cancelled.
    func run() async {
        var pause = Self.period
        while true {
            do { try await Task.sleep(for: pause) } catch { return }
            let began = ContinuousClock.now
            await look()
            pause = max(Self.period, (ContinuousClock.now - began) * 5)
        }
    }

    private func look() async {
        let limited = workers().compactMap { worker -> (PodWorker, Pod, StorageLimits)? in
            guard let pod = worker.desired(), !pod.isTerminal, !pod.isBeingDeleted else { return nil }
            let limits = StorageLimits(pod)
            return limits.isEmpty ? nil : (worker, pod, limits)
        }
        guard !limited.isEmpty else { return }
        let layers = engine.writableLayers()
        for (worker, pod, limits) in limited {
            let places = worker.storagePlaces(pod, layers: layers)
            let storage = await DiskUsage.inBackground { places.measure() }
            guard let message = limits.excess(storage) else { continue }
            worker.post(
                .evict(PodMemory.Failure(reason: "Evicted", message: message, gracePeriod: Self.gracePeriod)))
        }
    }
}
