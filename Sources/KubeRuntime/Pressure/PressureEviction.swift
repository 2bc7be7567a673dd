import KubeObject
import KubeRegistry
import KubeStore
import Logging

/// Ends pods, one after the other, while the machine is short of something, and has nodes say so. One for the machine.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
struct PressureEviction: Sendable {
    let workers: @Sendable () -> [PodWorker]
    let engine: ContainerEngine
    let metrics: RuntimeMetrics
    let marks: PressureMarks
    let events: EventRecorder
    let settings: EvictionSettings
    let logger: Logger

    /// As often as kubelet looks.
    static let period: Duration = .seconds(10)
    /// How long kubelet waits for an evicted pod to go before it looks for the next one.
    static let cleanup: Duration = .seconds(30)
    private static let gracePeriod: Int64 = 1

    /// Looks until cancelled.
    func run() async {
        var pressure = NodePressure(thresholds: settings.thresholds, transition: settings.transition)
        while !Task.isCancelled {
            let crossings = pressure.crossings(read(), now: Timestamp.seconds)
            let present = pressure.conditions(crossings, now: Timestamp.seconds)
            if marks.isNews(present) {
                logger.notice(
                    "the machine's pressure has changed",
                    metadata: [
                        "conditions": "\(present.map(\.rawValue).sorted())",
                        "crossed": "\(crossings.map(\.threshold.signal.rawValue))",
                    ])
                await marks.apply(present)
            }
            do {
                if let crossing = crossings.first(where: \.isDue) { try await relieve(crossing) }
            } catch {
                if Task.isCancelled { return }
                logger.warning("no pod could be chosen to make room", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: Self.period) } catch { return }
        }
    }

    private func read() -> MachineReading { MachineReading.read(dataDirectory: engine.options.dataDirectory) }

    private func relieve(_ crossing: NodePressure.Crossing) async throws {
        let pods = workers().compactMap { worker in worker.desired().map { (worker: worker, pod: $0) } }
        let active = pods.filter { !$0.pod.isTerminal && !$0.pod.isBeingDeleted }
        let signal = crossing.threshold.signal
        if signal.condition == .disk {
            let garbage = ImageGarbage(engine: engine, logger: logger)
            let removed = try await garbage.collect(except: Set(active.flatMap(\.pod.imageNames)))
            if removed > 0, NodePressure.crossing(crossing.threshold, read(), resolving: true) == nil { return }
        }
        guard !active.isEmpty else { return }
        let uses = try await measure(active, signal)
        let resource = signal.resource
        let candidates = active.map { worker, pod in
            PressureRanking.Candidate(
                uid: pod.uid, cluster: worker.cluster.id, priority: pod.priority, isCritical: pod.isCritical,
                used: uses[pod.uid]?.total ?? 0, requested: pod.requested(resource))
        }
        guard let first = PressureRanking.order(candidates, by: signal).first,
            let (worker, pod) = active.first(where: { $0.pod.uid == first.uid })
        else { return }
        let message = PressureUse.message(crossing, pod, uses[pod.uid] ?? PressureUse())
        logger.notice(
            "ending a pod, since the machine is short of something",
            metadata: ["pod": "\(pod.formatted)", "cluster": "\(worker.cluster.name)", "signal": "\(signal.rawValue)"])
        events.record(
            .warning, "EvictionThresholdMet", "Attempting to reclaim \(resource)", node: pod.nodeName, in: worker.cluster)
        worker.post(
            .evict(
                PodMemory.Failure(
                    reason: "Evicted", message: message, isDisruption: true, gracePeriod: gracePeriod(of: pod, for: crossing))))
        try await waitForEnd(of: worker)
    }

    /// In seconds.
    private func gracePeriod(of pod: Pod, for crossing: NodePressure.Crossing) -> Int64 {
        guard crossing.threshold.grace != nil else { return Self.gracePeriod }
        return min(settings.mostGrace, pod.spec["terminationGracePeriodSeconds"]?.int ?? settings.mostGrace)
    }

    private func waitForEnd(of worker: PodWorker) async throws {
        let end = ContinuousClock.now + Self.cleanup
        while ContinuousClock.now < end, let pod = worker.desired() {
            let runs = (pod.status["containerStatuses"]?.elements ?? []).contains { $0[path: "state", "running"] != nil }
            if pod.isTerminal, !runs { return }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// By the pods' uids.
    private func measure(
        _ pods: [(worker: PodWorker, pod: Pod)], _ signal: EvictionSignal
    ) async throws -> [String: PressureUse] {
        var uses: [String: PressureUse] = [:]
        switch signal {
        case .memory:
            let measured = try await metrics.current()
            for (worker, pod) in pods {
                var use = PressureUse()
                for (place, usage) in measured.containers
                where place.cluster == worker.cluster.id && place.namespace == pod.namespace && place.pod == pod.name {
                    use.containers[place.name] = usage.memory
                    use.total += usage.memory
                }
                uses[pod.uid] = use
            }
        case .processes:
            for (worker, pod) in pods {
                uses[pod.uid] = PressureUse(
                    total: KernelCounters.processes(in: worker.services.node.cgroup(podUID: pod.uid)) ?? 0)
            }
        case .nodeDisk, .imageDisk, .nodeInodes, .imageInodes:
            let layers = engine.writableLayers()
            let places = pods.map { (uid: $0.pod.uid, places: $0.worker.storagePlaces($0.pod, layers: layers)) }
            let countsInodes = signal == .nodeInodes || signal == .imageInodes
            uses = await DiskUsage.inBackground {
                var uses: [String: PressureUse] = [:]
                for (uid, places) in places {
                    let storage = places.measure()
                    var use = PressureUse(total: countsInodes ? storage.ephemeral.inodes : storage.ephemeral.bytes)
                    if !countsInodes {
                        for (name, container) in storage.containers {
                            use.containers[name] = (container.root?.bytes ?? 0) + container.logs.bytes
                        }
                    }
                    uses[uid] = use
                }
                return uses
            }
        }
        return uses
    }
}

extension Pod {
    /// How much of a resource the pod asks for.
    func requested(_ resource: String) -> Int64 { PodResources.requests(of: tree)[resource] }
}
