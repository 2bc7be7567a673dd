internal import GRPCCore
import KubeObject
import KubeRegistry
import KubeStore
import Logging
internal import SwiftProtobuf
import Synchronization

/// Runs one pod: again and again it reads the pod, reads what the engine has, lets ``PodMachine`` decide, and does that.
///
/// Concurrency: one task (`run`) owns the state; whatever takes long (starting, stopping, probing, writing the status) runs in child
/// tasks that report by messages. `post` may be called by anybody.
final class PodWorker: Sendable {
    enum Message: Sendable {
        /// The pod may have changed: look.
        case look
        /// What the engine has may have changed as well: ask it.
        case observe
        /// A config map or secret of the pod's namespace changed.
        case refresh(kind: String, name: String)
        case exited(id: String)
        case started(name: String, id: String)
        case startFailed(name: String, PodMemory.Waiting, pullFailed: Bool)
        case stopped(id: String)
        case probed(id: String, ProbeSettings.Kind, isSuccess: Bool)
        case statusWritten(failed: Bool)
        /// The pod is to come to its end.
        case evict(PodMemory.Failure)
    }

    /// What the worker's task remembers.
    struct State {
        var memory = PodMemory()
        var observer: PodObserver
        var observed = ObservedPod()
        /// Whether the engine may have something else by now than was observed: something was done there, or told by it. Asking it
        /// goes through all of its containers, and what a pod's own changes bring about isn't there to be seen yet.
        var mustObserve = true
        /// The status last given to the API, and whether that is under way.
        var status: JSON?
        var isWritingStatus = false
        var wakeAt: Double?
        /// When it will be looked whether tokens must be renewed.
        var renewTokensAt: Double?
        /// Containers whose probes run, and how to end them.
        var probing: [String: AsyncStream<Void>.Continuation] = [:]
        var exited: Set<String> = []
        var refreshes: Set<String> = []
        var isForgotten = false
        /// The pod's cluster sleeps, nothing of the pod runs, and its status says so.
        var isParked = false
        var attached: AttachedPod?
        /// The last that was known of the pod, for when its object is gone.
        var lastPod: Pod?
        var volumeFailures = 0
        /// What the volumes show of the pod itself.
        var shownInVolumes: JSON?
    }

    let cluster: LogicalCluster
    let namespace: String
    let name: String
    let uid: String
    /// Why the node doesn't take the pod.
    let rejection: PodRejection?
    let services: PodServices
    let files: PodFiles
    let tokens: TokenCache
    let logger: Logger
    /// As ``PodMemory/restStops``, for those who want to use a container.
    private let restStops = Mutex<Set<String>>([])
    private let mailbox = Mailbox<Message>()
    private let hold: LogicalCluster.Hold

    init(
        cluster: LogicalCluster, namespace: String, name: String, uid: String, rejection: PodRejection? = nil,
        services: PodServices
    ) {
        self.rejection = rejection
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.services = services
        hold = cluster.hold()
        files = PodFiles(services.node.paths, namespace: namespace, name: name, uid: uid)
        tokens = TokenCache(services: services, cluster: cluster)
        var logger = services.logger
        logger[metadataKey: "pod"] = "\(namespace)/\(name)"
        logger[metadataKey: "cluster"] = "\(cluster.name)"
        self.logger = logger
    }

    func post(_ message: Message) { mailbox.post(message) }

    /// Whether something was posted that ``run()`` hasn't looked at.
    var hasMessages: Bool { !mailbox.isEmpty }

    /// Whether containers are being stopped because the cluster fell asleep, whatever their status says.
    var isFallingAsleep: Bool { restStops.withLock { !$0.isEmpty } }

    /// The pod as stored now; nil when it's gone, or another one has its name.
    func desired() -> Pod? { stored().map { Pod($0) } }

    func stored() -> Object? {
        guard !cluster.isDeleted else { return nil }
        let key = Key(group: "core", plural: "pods", namespace: namespace, name: name)
        guard let object = cluster.snapshot.get(key), object.metadata.uid == uid else { return nil }
        return object
    }

    /// Works until nothing of the pod is left or it is at rest, or the task is cancelled (containers go on then). May be called again after
    /// a rest.
    /// - Returns: whether the pod is at rest.
    func run() async -> Bool {
        var state = State(observer: PodObserver(client: services.client, uid: uid, files: files))
        state.memory.firstSeen = Timestamp.seconds
        reject(&state)
        await withDiscardingTaskGroup { group in
            mailbox.post(.observe)
            for await _ in mailbox.turns {
                for message in mailbox.take() { apply(message, to: &state) }
                do {
                    try await reconcile(&state, &group)
                } catch {
                    if Task.isCancelled { break }
                    logger.warning("the pod could not be brought forward: trying again", metadata: ["error": "\(error)"])
                    schedule(Timestamp.seconds + 1, &state, &group)
                }
                if state.isForgotten || state.isParked { break }
            }
            for (_, end) in state.probing { end.finish() }
            group.cancelAll()
        }
        services.owners.forget(self)
        return state.isParked
    }

    /// A pod that the node doesn't take comes to its end before it begins.
    private func reject(_ state: inout State) {
        guard let rejection, let pod = desired() else { return }
        state.memory.failure = PodMemory.Failure(
            reason: rejection.reason, message: "Pod was rejected: \(rejection.message)", isRejection: true)
        services.events.record(.warning, rejection.reason, rejection.message, pod: pod, in: cluster)
    }

    private func apply(_ message: Message, to state: inout State) {
        switch message {
        case .look, .refresh, .probed, .statusWritten, .evict: break
        case .observe, .exited, .started, .startFailed, .stopped: state.mustObserve = true
        }
        switch message {
        case .look, .observe: break
        case .refresh(let kind, let name): state.refreshes.insert("\(kind)/\(name)")
        case .exited(let id): state.exited.insert(id)
        case .started(let name, let id):
            state.memory.starting.remove(name)
            state.memory.waiting[name] = nil
            state.memory.imageBackoff.reset(name)
            state.memory.hooksDone.insert(id)
            state.memory.resources[id] = state.memory.startingResources.removeValue(forKey: name)
        case .startFailed(let name, var waiting, let pullFailed):
            state.memory.starting.remove(name)
            if pullFailed {
                let now = Timestamp.seconds
                if waiting.reason == "ErrImagePull" { state.memory.imageBackoff.advance(name, now: now) }
                waiting.retryAt = (state.memory.imageBackoff.entries[name]?.since ?? now) + state.memory.imageBackoff.delay(name)
            }
            state.memory.waiting[name] = waiting
        case .stopped(let id):
            state.memory.stopping[id] = nil
            state.exited.insert(id)
        case .probed(let id, let kind, let isSuccess):
            var probes = state.memory.probes[id] ?? PodMemory.Probes()
            switch kind {
            case .startup: probes.isStarted = isSuccess
            case .readiness: probes.isReady = isSuccess
            case .liveness: break
            }
            if !isSuccess && kind != .readiness { probes.failure = kind.rawValue }
            state.memory.probes[id] = probes
        case .evict(let failure):
            guard state.memory.failure == nil, let pod = desired(), !pod.isTerminal else { break }
            state.memory.failure = failure
            services.events.record(.warning, failure.reason, failure.message, pod: pod, in: cluster)
        case .statusWritten(let failed):
            state.isWritingStatus = false
            if failed { state.status = nil }
        }
    }

    // MARK: One round

    private func reconcile(_ state: inout State, _ group: inout DiscardingTaskGroup) async throws {
        for _ in 0..<50 {
            try Task.checkCancellation()
            var pod = desired()
            if let pod { state.lastPod = pod }
            if state.mustObserve { try await observe(&state, pod) }
            if let pod, !state.refreshes.isEmpty { await refreshVolumes(&state, pod) }
            await renewTokens(&state, pod, &group)
            await renewDownwardFields(&state, pod)
            let now = Timestamp.seconds
            pod = pod.map { withPossibleResources($0, &state, now, &group) }
            if let pod { keepGroup(pod, &state, &group) }
            if let pod { state.memory.noteImages(state.observed.containers, pod, now: now) }
            var plan = PodMachine(
                pod: pod, observed: state.observed, memory: state.memory, now: now, isResting: services.rests(cluster.name)
            ).plan()
            if let pod {
                plan = PodResizing(pod: pod, observed: state.observed, memory: state.memory).completing(plan, now: now)
            }
            note(plan, &state, pod)
            noteRest(plan, &state)
            if let pod {
                updateProbes(&state, pod, &group)
                writeStatus(plan, &state, pod, now, &group)
            }
            if let wakeAt = plan.wakeAt { schedule(wakeAt, &state, &group) }
            var mustLookAgain = plan.failure != nil
            for action in plan.actions {
                if try await perform(action, &state, pod, &group) { mustLookAgain = true }
                if state.isForgotten { return }
            }
            if plan.isAtRest, plan.actions.isEmpty, !state.isWritingStatus, state.refreshes.isEmpty {
                state.isParked = true
                return
            }
            if !mustLookAgain { return }
        }
        logger.error("the pod's plan doesn't come to rest: looking again in a second")
        schedule(Timestamp.seconds + 1, &state, &group)
    }

    /// Reads the engine. A container that an event said has ended may still be listed as running for a moment: its end is waited for.
    private func observe(_ state: inout State, _ pod: Pod?) async throws {
        let before = state.observed
        for attempt in 0..<40 {
            state.observed = try await state.observer.observe(pod: pod)
            let late =
                state.observed.containers.contains { $0.state == .running && state.exited.contains($0.id) }
                || state.observed.sandboxes.contains { $0.isReady && state.exited.contains($0.id) }
            if !late { break }
            try await Task.sleep(for: .milliseconds(min(5 << attempt / 4, 100)))
        }
        state.mustObserve = false
        state.exited = []
        services.owners.note(state.observed.running, of: self)
        if before.containers.isEmpty { state.memory.adopt(state.observed.containers, pod) }
        let ids = Set(state.observed.containers.map(\.id))
        state.memory.probes = state.memory.probes.filter { ids.contains($0.key) }
        for container in state.observed.containers where container.state == .exited { state.memory.stopping[container.id] = nil }
    }

    private func noteRest(_ plan: PodMachine.Plan, _ state: inout State) {
        let alive = Set(state.observed.alive.map(\.id))
        var stops = state.memory.restStops.intersection(alive)
        if plan.isResting {
            // What is stopped for the sleep hasn't failed, and starts at once.
            state.memory.backoff = Backoff()
            for case .stop(let id, _, _, _, _) in plan.actions { stops.insert(id) }
        }
        guard stops != state.memory.restStops else { return }
        state.memory.restStops = stops
        restStops.withLock { $0 = stops }
    }

    private func note(_ plan: PodMachine.Plan, _ state: inout State, _ pod: Pod?) {
        if let failure = plan.failure, state.memory.failure == nil {
            state.memory.failure = failure
            if let pod { services.events.record(.normal, failure.reason, failure.message, pod: pod, in: cluster) }
        }
        for (name, message) in plan.backoffs where state.memory.waiting[name]?.message != message {
            state.memory.waiting[name] = PodMemory.Waiting(reason: "CrashLoopBackOff", message: message, retryAt: nil)
            if let pod, let spec = pod.container(name) {
                services.events.record(
                    .warning, "BackOff", "Back-off restarting failed container \(name) in pod \(pod.formatted)", pod: pod,
                    container: spec,
                    in: cluster)
            }
        }
    }

    /// Wakes the worker at a time (seconds since 1970), if nothing earlier is planned.
    func schedule(_ time: Double, _ state: inout State, _ group: inout DiscardingTaskGroup) {
        let now = Timestamp.seconds
        if let planned = state.wakeAt, planned > now, planned <= time + 0.001 { return }
        state.wakeAt = time
        group.addTask { [mailbox] in
            do {
                try await Task.sleep(for: .seconds(max(time - now, 0) + 0.002))
                mailbox.post(.observe)
            } catch {
                return  // the worker has ended
            }
        }
    }

    // MARK: Probes

    private func updateProbes(_ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) {
        let running = state.observed.containers.filter { $0.state == .running && state.memory.hooksDone.contains($0.id) }
        for (id, end) in state.probing where !running.contains(where: { $0.id == id }) {
            end.finish()
            state.probing[id] = nil
        }
        for container in running where state.probing[container.id] == nil && state.memory.stopping[container.id] == nil {
            guard let spec = pod.container(container.name),
                spec.hasStartupProbe || spec.hasReadinessProbe || spec.hasLivenessProbe
            else {
                continue
            }
            let ip = pod.usesHostNetwork ? services.node.hostIPs.first ?? "" : state.observed.sandbox?.ips.first ?? ""
            let (ended, end) = AsyncStream<Void>.makeStream()
            state.probing[container.id] = end
            let id = container.id
            let prober = ContainerProber(
                runner: services.handlers, target: .init(containerID: id, container: spec, podIP: ip),
                report: { [mailbox] in mailbox.post(.probed(id: id, $0, isSuccess: $1)) },
                unhealthy: { [services, cluster] kind, message in
                    let label = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
                    services.events.record(
                        .warning, "Unhealthy", "\(label) probe failed: \(message)", pod: pod, container: spec, in: cluster)
                })
            group.addTask {
                await withTaskGroup(of: Void.self) { probes in
                    probes.addTask {
                        do { try await prober.run() } catch { return }  // cancelled
                        // All verdicts are in, but the first task to end would end the group: wait for the container's end.
                        for await _ in ended {}
                    }
                    probes.addTask { for await _ in ended {} }
                    await probes.next()
                    probes.cancelAll()
                }
            }
        }
    }

    // MARK: Status

    private func writeStatus(
        _ plan: PodMachine.Plan, _ state: inout State, _ pod: Pod, _ now: Double, _ group: inout DiscardingTaskGroup
    ) {
        guard !state.isWritingStatus else { return }
        let builder = PodStatus(
            pod: pod, observed: state.observed, memory: state.memory, plan: plan, hostIPs: services.node.hostIPs, now: now)
        let status = builder.build()
        guard status != state.status else { return }
        state.status = status
        guard status != pod.tree["status"] else { return }
        state.isWritingStatus = true
        group.addTask { [self] in
            do throws(StatusError) {
                let resource = try services.registry.resource("pods")
                try await services.registry.mutate(
                    resource, namespace: namespace, name: name, subresource: "status", uid: uid,
                    .node(pod.nodeName, in: cluster)
                ) { tree in
                    tree["status"] = PodStatus.merge(status, over: tree["status"])
                }
                post(.statusWritten(failed: false))
            } catch {
                if error.code != 404 && !Task.isCancelled {
                    logger.warning("the pod's status could not be written: trying again", metadata: ["error": "\(error)"])
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
                post(.statusWritten(failed: error.code != 404))
            }
        }
    }
}
