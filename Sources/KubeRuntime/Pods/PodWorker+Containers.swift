internal import GRPCCore
import KubeObject
import KubeStore
import Logging
internal import SwiftProtobuf

/// Why a start failed, with what else the worker must remember of it.
private struct StartFailure: Error {
    var waiting: PodMemory.Waiting
    var pullFailed = false
}

extension PodWorker {
    // MARK: Starting

    /// Makes and starts a container in a child task.
    func start(_ spec: ContainerSpec, _ attempt: UInt32, _ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) {
        let now = Timestamp.seconds
        if state.observed.current(spec.name)?.state == .exited { state.memory.backoff.advance(spec.name, now: now) }
        state.memory.starting.insert(spec.name)
        state.memory.startingResources[spec.name] = spec.tree["resources"] ?? [:]
        let sandbox = state.observed.sandbox
        var target: (name: String, id: String?)?
        if let name = spec.tree["targetContainerName"]?.string, !name.isEmpty {
            target = (name, state.observed.current(name)?.id)
        }
        let wanted = target
        group.addTask { [self] in
            do {
                let id = try await create(spec, attempt, pod, sandbox, target: wanted)
                try await run(id, spec, pod, sandbox)
                post(.started(name: spec.name, id: id))
            } catch let failure as StartFailure {
                post(.startFailed(name: spec.name, failure.waiting, pullFailed: failure.pullFailed))
            } catch let error as RPCError where error.code == .unavailable {
                if Task.isCancelled { return }
                // containerd is being started again, or its connection was: not the pod's fault.
                logger.info("a start broke off: trying again", metadata: ["container": "\(spec.name)", "error": "\(error)"])
                let waiting = PodMemory.Waiting(reason: "ContainerCreating", message: "", retryAt: Timestamp.seconds + 1)
                post(.startFailed(name: spec.name, waiting, pullFailed: false))
            } catch {
                if Task.isCancelled { return }
                let waiting = PodMemory.Waiting(
                    reason: "RunContainerError", message: Self.text(error), retryAt: Timestamp.seconds + 10)
                post(.startFailed(name: spec.name, waiting, pullFailed: false))
            }
        }
    }

    /// The image, the environment, the mounts, and the container itself, not yet started. Returns its ID.
    private func create(
        _ spec: ContainerSpec, _ attempt: UInt32, _ pod: Pod, _ sandbox: ObservedSandbox?, target: (name: String, id: String?)?
    ) async throws -> String {
        guard let sandbox else { throw CancellationError() }
        let image = try await image(spec.image, policy: spec.pullPolicy, spec, pod)
        let isSandboxed = (try? runtimeHandler(pod)) == RunscAdapter.handler
        if let platform = try await ImageStore(engine: services.engine).platform(of: image),
            let obstacle = platform.obstacle(image: spec.image, isSandboxed: isSandboxed)
        {
            throw startFailure("CreateContainerError", obstacle, spec, pod)
        }
        try await mountImages(spec, pod)
        if let target, target.id == nil {
            throw startFailure("CreateContainerConfigError", "unable to find target container \(target.name)", spec, pod)
        }
        let config: CRIContainerConfig
        let builder = try configs(pod)
        do {
            let fields = services.node.fields(pod, podIPs: sandbox.ips)
            let environment = try Environment(
                pod: pod, container: spec, objects: ClusterObjects(cluster: cluster), fields: fields
            ).build()
            let mounts = try mounter(pod, podIPs: sandbox.ips).mounts(spec, attempt: attempt, environment: environment)
            config = try builder.container(
                spec, attempt: attempt, image: image, environment: environment, mounts: mounts, target: target?.id)
        } catch let failure as ContainerFailure {
            throw startFailure(failure.reason, failure.message, spec, pod)
        } catch {
            throw startFailure("CreateContainerConfigError", "\(error)", spec, pod)
        }
        do {
            try File.makeDirectory("\(files.logs)/\(spec.name)")
            let answer = try await services.gate.pass {
                try await services.client.runtime.createContainer(
                    .with {
                        $0.podSandboxID = sandbox.id
                        $0.config = config
                        $0.sandboxConfig = builder.sandbox(attempt: sandbox.attempt)
                    }, options: .within(.seconds(120)))
            }
            services.events.record(.normal, "Created", "Container created", pod: pod, container: spec, in: cluster)
            return answer.containerID
        } catch let error as RPCError where error.code != .unavailable {
            throw startFailure("CreateContainerError", error.message, spec, pod)
        }
    }

    private func run(_ id: String, _ spec: ContainerSpec, _ pod: Pod, _ sandbox: ObservedSandbox?) async throws {
        services.owners.expect(id, of: self)
        do {
            _ = try await services.gate.pass {
                try await services.client.runtime.startContainer(.with { $0.containerID = id }, options: .within(.seconds(120)))
            }
        } catch let error as RPCError where error.code != .unavailable {
            throw startFailure("RunContainerError", error.message, spec, pod)
        }
        services.events.record(.normal, "Started", "Container started", pod: pod, container: spec, in: cluster)
        guard let hook = spec.tree[path: "lifecycle", "postStart"] else { return }
        post(.observe)
        do {
            let ip = pod.usesHostNetwork ? services.node.hostIPs.first : sandbox?.ips.first
            try await services.handlers.run(
                hook, .init(containerID: id, container: spec, podIP: ip ?? ""), timeout: .seconds(3600))
        } catch {
            try Task.checkCancellation()
            services.events.record(
                .warning, "FailedPostStartHook", "PostStartHook failed", pod: pod, container: spec, in: cluster)
            await kill(id, grace: pod.gracePeriod)
            throw StartFailure(waiting: .init(reason: "PostStartHookError", message: "\(error)", retryAt: nil))
        }
    }

    private func startFailure(_ reason: String, _ message: String, _ spec: ContainerSpec, _ pod: Pod) -> StartFailure {
        services.events.record(.warning, "Failed", "Error: \(message)", pod: pod, container: spec, in: cluster)
        return StartFailure(waiting: .init(reason: reason, message: message, retryAt: Timestamp.seconds + 10))
    }

    // MARK: Resources

    /// True when the container has got what its spec says.
    func resize(_ id: String, _ spec: ContainerSpec, _ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) async
        -> Bool
    {
        let linux = ContainerResources.linux(
            spec, pod: pod, nodeMemory: services.node.facts.memory, cgroups: services.node.machine.cgroups)
        do {
            if let container = state.observed.current(spec.name), container.id == id,
                let reading = ContainerReading.read(services.engine.group(ofPod: pod.uid, container: id)),
                let obstacle = PodResizing.obstacle(
                    toLimit: linux.memoryLimitInBytes, of: spec.name, from: state.memory.resources(of: container, spec, pod),
                    used: reading.memory)
            {
                throw RPCError(code: .failedPrecondition, message: obstacle)
            }
            if let reading = ContainerReading.read(services.node.cgroup(podUID: pod.uid)),
                let obstacle = PodResizing.obstacle(
                    toLimit: try groupLimit(pod).memory, from: state.memory.group?.memory, used: reading.memory)
            {
                throw RPCError(code: .failedPrecondition, message: obstacle)
            }
            _ = try await services.client.runtime.updateContainerResources(
                .with {
                    $0.containerID = id
                    $0.linux = linux
                }, options: .within(.seconds(30)))
            state.memory.resources[id] = spec.tree["resources"] ?? [:]
            state.memory.resizeFailures[id] = nil
            return true
        } catch {
            services.events.record(
                .warning, "ResizeError", "Container \(spec.name) can't be resized: \(Self.text(error))", pod: pod,
                container: spec,
                in: cluster)
            // As often as kubelet looks at a pod again that it couldn't bring forward.
            let retry = Timestamp.seconds + 10
            state.memory.resizeFailures[id] = PodMemory.ResizeFailure(
                resources: spec.tree["resources"] ?? [:], retryAt: retry,
                message: "Container \(spec.name): \(Self.text(error))")
            schedule(retry, &state, &group)
            return false
        }
    }

    // MARK: Images

    /// Mounts the images that the container has as volumes.
    private func mountImages(_ spec: ContainerSpec, _ pod: Pod) async throws {
        let mounted = Set((spec.tree["volumeMounts"]?.elements ?? []).compactMap { $0["name"]?.string })
        for volume in pod.spec["volumes"]?.elements ?? [] {
            guard let source = volume["image"], mounted.contains(volume["name"]?.string ?? "") else { continue }
            let reference = source["reference"]?.string ?? ""
            let policy = source["pullPolicy"]?.string ?? ContainerSpec.standardPullPolicy(of: reference)
            let image = try await image(reference, policy: policy, spec, pod)
            do {
                let path = mounter(pod, podIPs: []).imagePath(volume, container: spec.name)
                try await ImageStore(engine: services.engine).mount(image, at: path)
            } catch let error as EngineError {
                throw startFailure("ImageVolumeMountFailed", "\(error)", spec, pod)
            }
        }
    }

    /// The image of this name, pulled as the policy says. What is done for it is told as the container's.
    private func image(_ wanted: String, policy: String, _ spec: ContainerSpec, _ pod: Pod) async throws -> CRIImage {
        guard let name = ImageName(wanted) else {
            let message =
                "Failed to apply default image tag \"\(wanted)\": couldn't parse image name \"\(wanted)\": invalid reference format"
            services.events.record(.warning, "InspectFailed", message, pod: pod, container: spec, in: cluster)
            throw StartFailure(waiting: .init(reason: "InvalidImageName", message: message, retryAt: Timestamp.seconds + 60))
        }
        let store = ImageStore(engine: services.engine)
        let present = try await store.find(name.description)
        if let present, policy != "Always" {
            services.events.record(
                .normal, "Pulled", "Container image \"\(wanted)\" already present on machine and can be accessed by the pod",
                pod: pod,
                container: spec, in: cluster)
            return present
        }
        if policy == "Never" {
            let message = "Container image \"\(wanted)\" is not present with pull policy of Never"
            services.events.record(.warning, "ErrImageNeverPull", message, pod: pod, container: spec, in: cluster)
            services.events.record(.warning, "Failed", "Error: ErrImageNeverPull", pod: pod, container: spec, in: cluster)
            throw StartFailure(waiting: .init(reason: "ErrImageNeverPull", message: message, retryAt: Timestamp.seconds + 10))
        }
        services.events.record(.normal, "Pulling", "Pulling image \"\(wanted)\"", pod: pod, container: spec, in: cluster)
        let start = ContinuousClock.now
        do {
            let reference = try await store.pull(name.description, credentials: credentials(pod, name))
            let found = try await store.find(reference)
            guard let image = found else { throw RPCError(code: .notFound, message: "the image is gone after it was pulled") }
            let time = (ContinuousClock.now - start).formatted
            services.events.record(
                .normal, "Pulled",
                "Successfully pulled image \"\(wanted)\" in \(time) (\(time) including waiting). Image size: \(image.size) bytes.",
                pod: pod,
                container: spec, in: cluster)
            return image
        } catch let error as RPCError {
            try Task.checkCancellation()
            services.events.record(
                .warning, "Failed", "Failed to pull image \"\(wanted)\": \(error.message)", pod: pod, container: spec,
                in: cluster)
            services.events.record(.warning, "Failed", "Error: ErrImagePull", pod: pod, container: spec, in: cluster)
            // Shown as ErrImagePull for a moment, then as the back-off, as kubelet's next sync would.
            post(
                .startFailed(
                    name: spec.name, .init(reason: "ErrImagePull", message: error.message, retryAt: nil), pullFailed: true))
            try await Task.sleep(for: .seconds(2))
            services.events.record(
                .normal, "BackOff", "Back-off pulling image \"\(wanted)\"", pod: pod, container: spec, in: cluster)
            services.events.record(.warning, "Failed", "Error: ImagePullBackOff", pod: pod, container: spec, in: cluster)
            throw StartFailure(
                waiting: .init(
                    reason: "ImagePullBackOff",
                    message: "Back-off pulling image \"\(wanted)\": ErrImagePull: \(error.message)",
                    retryAt: nil), pullFailed: true)
        }
    }

    /// From the pod's pull secrets (admission has copied those of its service account).
    private func credentials(_ pod: Pod, _ image: ImageName) -> [RegistryCredential] {
        let objects = ClusterObjects(cluster: cluster)
        let secrets = (pod.spec["imagePullSecrets"]?.elements ?? []).compactMap { reference in
            objects.secret(namespace: pod.namespace, name: reference["name"]?.string ?? "")
        }
        return RegistryCredential.find(in: secrets, for: image)
    }

    // MARK: Stopping

    /// Ends a container in a child task: its preStop hook, the stop signal, and after the grace period the kill.
    func stop(
        _ id: String, _ name: String, _ grace: Int64, _ message: String, runsHook: Bool, _ state: inout State, _ pod: Pod?,
        _ group: inout DiscardingTaskGroup
    ) {
        let now = Timestamp.seconds
        if state.memory.terminationStarted == nil, pod == nil || pod?.isBeingDeleted == true || pod?.isTerminal == true {
            state.memory.terminationStarted = now
        }
        let spec = pod?.container(name)
        if let pod, let spec, state.memory.stopping[id] == nil {
            services.events.record(.normal, "Killing", message, pod: pod, container: spec, in: cluster)
        }
        state.memory.stopping[id] = PodMemory.Stop(deadline: now + Double(grace))
        let ip = state.observed.sandbox?.ips.first ?? ""
        group.addTask { [self] in
            var left = grace
            if runsHook, let pod, let spec, let hook = spec.tree[path: "lifecycle", "preStop"], grace > 0 {
                let start = ContinuousClock.now
                do {
                    try await withTimeout(.seconds(grace)) {
                        try await self.services.handlers.run(
                            hook, .init(containerID: id, container: spec, podIP: ip), timeout: .seconds(grace))
                    }
                } catch {
                    if Task.isCancelled { return }
                    services.events.record(
                        .warning, "FailedPreStopHook", "PreStopHook failed", pod: pod, container: spec, in: cluster)
                }
                // As kubelet, leave at least two seconds for the signal.
                left = max(grace - (ContinuousClock.now - start).components.seconds, 2)
            }
            await kill(id, grace: left)
            if Task.isCancelled { return }
            post(.stopped(id: id))
        }
    }

    private func kill(_ id: String, grace: Int64) async {
        do {
            _ = try await services.client.runtime.stopContainer(
                .with {
                    $0.containerID = id
                    $0.timeout = max(grace, 0)
                }, options: .within(.seconds(grace + 60)))
        } catch let error as RPCError where error.code == .notFound {
            return
        } catch {
            if Task.isCancelled { return }
            logger.warning(
                "a container could not be stopped: trying again", metadata: ["container": "\(id)", "error": "\(error)"])
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }

    static func text(_ error: any Error) -> String { (error as? RPCError)?.message ?? "\(error)" }
}

extension Duration {
    /// As Go prints it, to the millisecond: `2.345s`, `87ms`.
    var formatted: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)s"
    }
}

/// Thrown when a body took longer than it may.
struct TimedOut: Error {}

/// Runs the body, and cancels it when it takes longer than `limit`.
func withTimeout(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            throw TimedOut()
        }
        try await group.next()
        group.cancelAll()
    }
}
