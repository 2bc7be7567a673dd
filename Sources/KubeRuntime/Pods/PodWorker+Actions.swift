internal import GRPCCore
import Glibc
import KubeObject
import KubeRegistry
import KubeStore
import Logging
internal import SwiftProtobuf

extension PodWorker {
    /// Does one thing that the plan says. True when the next round should follow at once.
    func perform(
        _ action: PodMachine.Action, _ state: inout State, _ pod: Pod?, _ group: inout DiscardingTaskGroup
    ) async throws -> Bool {
        switch action {
        case .createSandbox, .stopSandbox, .removeSandbox, .resize, .resizePod, .remove: state.mustObserve = true
        case .mountVolumes, .attach, .start, .stop, .release, .finalize, .forget: break
        }
        switch action {
        case .mountVolumes: if let pod { return await mountVolumes(&state, pod, &group) }
        case .createSandbox(let attempt): if let pod { return try await createSandbox(attempt, &state, pod, &group) }
        case .attach: if let pod { return await attach(&state, pod, &group) }
        case .stopSandbox(let id):
            _ = try await services.client.runtime.stopPodSandbox(.with { $0.podSandboxID = id }, options: .within(.seconds(60)))
            state.memory.stoppedSandboxes.insert(id)
            await detach(&state)
            return true
        case .removeSandbox(let id):
            try await services.client.removeSandbox(id)
        case .start(let name, let attempt):
            guard let pod, let spec = pod.container(name) else { return false }
            start(spec, attempt, &state, pod, &group)
        case .stop(let id, let name, let grace, let message, let runsHook):
            stop(id, name, grace, message, runsHook: runsHook, &state, pod ?? state.lastPod, &group)
        case .resizePod:
            guard let pod else { return false }
            return await resizePod(&state, pod, &group)
        case .resize(let id, let name):
            guard let pod, let spec = pod.container(name) else { return false }
            return await resize(id, spec, &state, pod, &group)
        case .remove(let id):
            do {
                _ = try await services.client.runtime.removeContainer(
                    .with { $0.containerID = id }, options: .within(.seconds(60)))
            } catch let error as RPCError where error.code != .notFound {
                // Such as: it's just being started after all.
                logger.info("a container can't be removed yet", metadata: ["container": "\(id)", "error": "\(error)"])
                schedule(Timestamp.seconds + 1, &state, &group)
                return false
            }
            if let old = state.observed.containers.first(where: { $0.id == id }), old.state == .exited {
                File.removeTree(files.log(old.name, old.attempt))
                File.removeTree(files.message(old.name, old.attempt))
                return false
            }
            return true
        case .release:
            await detach(&state)
            Mounts.unmountAll(below: files.directory)
            state.memory.isReleased = true
            return true
        case .finalize: return await finalize(&state, pod)
        case .forget: try await forget(&state)
        }
        return false
    }

    // MARK: Volumes

    func mounter(_ pod: Pod, podIPs: [String]) -> VolumeMounter {
        let objects = ClusterObjects(cluster: cluster)
        let payload = VolumePayload(
            pod: pod, objects: objects, fields: services.node.fields(pod, podIPs: podIPs),
            token: { [tokens] audience, seconds in try await tokens.token(pod: pod, audience: audience, seconds: seconds) })
        let claims = ClaimVolumes(pod: pod, cluster: cluster.id, objects: objects, local: services.volumes)
        return VolumeMounter(pod: pod, files: files, payload: payload, claims: claims)
    }

    private func mountVolumes(_ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) async -> Bool {
        do {
            try File.makeDirectory(files.directory, mode: 0o750)
            try await mounter(pod, podIPs: state.observed.sandbox?.ips ?? []).setUp()
            state.memory.volumesReady = true
            state.memory.volumeRetryAt = nil
            state.shownInVolumes = DownwardFields.shownInVolumes(of: pod)
            return true
        } catch let failure as VolumeMounter.Failure {
            services.events.record(
                .warning, "FailedMount", "MountVolume.SetUp failed for volume \"\(failure.volume)\" : \(failure.message)",
                pod: pod, in: cluster)
        } catch {
            services.events.record(.warning, "FailedMount", "\(error)", pod: pod, in: cluster)
        }
        state.volumeFailures += 1
        let retry = Timestamp.seconds + min(0.5 * Double(1 << min(state.volumeFailures, 7)), 60)
        state.memory.volumeRetryAt = retry
        schedule(retry, &state, &group)
        return false
    }

    /// Brings config maps and secrets in volumes up to date, and lets what waited for them try again.
    func refreshVolumes(_ state: inout State, _ pod: Pod) async {
        let names = state.refreshes
        state.refreshes = []
        guard names.contains(where: { pod.refersTo($0) }) else { return }
        state.memory.volumeRetryAt = nil
        for (name, waiting) in state.memory.waiting where waiting.reason == "CreateContainerConfigError" {
            state.memory.waiting[name]?.retryAt = nil
        }
        await updateVolumes(&state, pod)
    }

    /// Renews the tokens that are due, and looks again when the next one is: a pod to which nothing happens has nobody else who would.
    func renewTokens(_ state: inout State, _ pod: Pod?, _ group: inout DiscardingTaskGroup) async {
        guard let pod, state.memory.volumesReady, !state.memory.isReleased, var renewAt = await tokens.renewAt else { return }
        if renewAt <= Timestamp.seconds {
            await updateVolumes(&state, pod)
            // One that couldn't be renewed is tried again.
            renewAt = max(await tokens.renewAt ?? renewAt, Timestamp.seconds + 10)
        }
        if let planned = state.renewTokensAt, planned > Timestamp.seconds, planned <= renewAt { return }
        state.renewTokensAt = renewAt
        group.addTask { [self] in
            do {
                try await Task.sleep(for: .seconds(max(renewAt - Timestamp.seconds, 0) + 0.002))
                post(.look)
            } catch {
                return  // the worker has ended
            }
        }
    }

    /// The pod's labels, annotations and resources may change while volumes show them.
    func renewDownwardFields(_ state: inout State, _ pod: Pod?) async {
        guard let pod, state.memory.volumesReady else { return }
        let fields = DownwardFields.shownInVolumes(of: pod)
        guard fields != state.shownInVolumes else { return }
        state.shownInVolumes = fields
        await updateVolumes(&state, pod)
    }

    private func updateVolumes(_ state: inout State, _ pod: Pod) async {
        guard state.memory.volumesReady, !state.memory.isReleased else { return }
        do throws(VolumeMounter.Failure) {
            try await mounter(pod, podIPs: state.observed.sandbox?.ips ?? []).setUp()
        } catch {
            // The old content stays.
            services.events.record(
                .warning, "FailedMount", "MountVolume.SetUp failed for volume \"\(error.volume)\" : \(error.message)", pod: pod,
                in: cluster)
        }
    }

    // MARK: Sandbox and network

    func configs(_ pod: Pod) throws(EngineError) -> CRIConfigs {
        CRIConfigs(
            pod: pod, cluster: cluster.id, node: services.node, networking: services.node.networking(pod), files: files,
            users: pod.hasUserNamespace ? try services.userRanges.range(podUID: uid) : nil)
    }

    private func createSandbox(
        _ attempt: UInt32, _ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup
    ) async throws -> Bool {
        do {
            try File.makeDirectory(files.logs)
            let config = try configs(pod).sandbox(attempt: attempt)
            let handler = try engineHandler(pod)
            _ = try await services.gate.pass {
                try await services.client.runtime.runPodSandbox(
                    .with {
                        $0.config = config
                        $0.runtimeHandler = handler
                    }, options: .within(.seconds(120)))
            }
            let limit = try groupLimit(pod)
            try Cgroups.limit(services.node.cgroup(podUID: uid), limit)
            state.memory.group = limit
            state.memory.podResources = pod.spec["resources"]
            state.memory.sandboxFailures = 0
            state.memory.isAttached = false
            return true
        } catch let error as RPCError {
            let why = error.code == .unavailable ? nil : "rpc error: code = Unknown desc = \(error.message)"
            retrySandbox(why, &state, pod, &group)
            return false
        } catch let error as StatusError {
            retrySandbox(error.message, &state, pod, &group)
            return false
        } catch let error as EngineError {
            retrySandbox("\(error)", &state, pod, &group)
            return false
        }
    }

    private func retrySandbox(_ why: String?, _ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) {
        state.memory.sandboxFailures += 1
        if let why {
            services.events.record(
                .warning, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(why)", pod: pod, in: cluster)
        }
        let retry = Timestamp.seconds + min(Double(1 << min(state.memory.sandboxFailures, 6)), 60)
        state.memory.sandboxRetryAt = retry
        schedule(retry, &state, &group)
    }

    /// What makes the pod's containers: for one with a user namespace the adapter, which only runc has.
    private func engineHandler(_ pod: Pod) throws -> String {
        let handler = try runtimeHandler(pod)
        guard pod.hasUserNamespace else { return handler }
        guard services.node.machine.translatesUsers, ["", "runc"].contains(handler) else { throw EngineError.noUserNamespaces }
        return UserNamespaceAdapter.handler
    }

    /// What the pod's runtime class is called by the engine, which refuses what it doesn't know. Without one it is what the cluster's isolation
    /// asks for, and where that is gVisor nothing else will do: classes are the cluster's own, and would lead out of the sandbox.
    func runtimeHandler(_ pod: Pod) throws(StatusError) -> String {
        let isSandboxed = services.registry.policies(cluster).isolation == .gvisor
        let name = pod.spec["runtimeClassName"]?.string ?? ""
        let handler = try name.isEmpty ? "" : handler(ofClass: name)
        guard isSandboxed else { return handler }
        guard handler.isEmpty || handler == RunscAdapter.handler else {
            throw .internalError(
                "this cluster's isolation is gvisor: its pods can't have the runtime handler \"\(handler)\" of RuntimeClass \"\(name)\""
            )
        }
        return RunscAdapter.handler
    }

    private func handler(ofClass name: String) throws(StatusError) -> String {
        guard let found = cluster.snapshot.get(Key(group: "node.k8s.io", plural: "runtimeclasses", name: name)) else {
            throw .notFound(GroupResource(group: "node.k8s.io", resource: "runtimeclasses"), name)
        }
        return found.tree["handler"]?.string ?? ""
    }

    /// Makes the pod known to the network, before its first container starts.
    private func attach(_ state: inout State, _ pod: Pod, _ group: inout DiscardingTaskGroup) async -> Bool {
        let ips = pod.usesHostNetwork ? services.node.hostIPs : state.observed.sandbox?.ips ?? []
        let address = PodAddress(cluster: cluster.id, namespace: namespace, name: name, uid: uid)
        let attached = AttachedPod(
            pod: address, ips: ips, usesHostNetwork: pod.usesHostNetwork, hostPorts: pod.usesHostNetwork ? [] : pod.hostPorts)
        do {
            let hosts = services.node.networking(pod).hostsFile(ips: ips)
            // Written into the same inode: it may be mounted in containers already.
            try File.writeInPlace(Array(hosts.utf8), to: files.hosts, mode: 0o644)
            if !pod.usesHostNetwork { for ip in ips { services.addresses.add(ip, address) } }
            try await services.network?.podAttached(attached)
            state.attached = attached
            state.memory.isAttached = true
            state.memory.sandboxRetryAt = nil
            return true
        } catch {
            services.events.record(
                .warning, "NetworkNotReady", "the pod could not be attached to the network: \(error)", pod: pod, in: cluster)
            let retry = Timestamp.seconds + 1
            state.memory.sandboxRetryAt = retry
            schedule(retry, &state, &group)
            return false
        }
    }

    private func detach(_ state: inout State) async {
        state.memory.isAttached = false
        guard let attached = state.attached else { return }
        state.attached = nil
        if !attached.usesHostNetwork { for ip in attached.ips { services.addresses.remove(ip, uid: uid) } }
        await services.network?.podDetached(attached)
    }

    // MARK: The end

    private func finalize(_ state: inout State, _ pod: Pod?) async -> Bool {
        // The last status is written first: watchers see how the containers ended.
        guard let pod, !state.isWritingStatus else { return false }
        do throws(StatusError) {
            let resource = try services.registry.resource("pods")
            _ = try await services.registry.delete(
                resource, namespace: namespace, name: name, DeleteOptions(gracePeriodSeconds: 0, preconditionUID: pod.uid),
                .node(pod.nodeName, in: cluster))
            state.memory.isFinalized = true
            return true
        } catch {
            if error.code == 404 || error.code == 409 { return true }
            logger.warning("the pod could not be deleted: trying again", metadata: ["error": "\(error)"])
            do { try await Task.sleep(for: .seconds(1)) } catch { return false }
            return true
        }
    }

    private func forget(_ state: inout State) async throws {
        for sandbox in state.observed.sandboxes {
            try await services.client.removeSandbox(sandbox.id)
        }
        await detach(&state)
        Mounts.unmountAll(below: files.directory)
        File.removeTree(files.directory)
        File.removeTree(files.logs)
        services.uses.noteEnd(ofPod: uid, cluster: cluster.id)
        try await services.node.removeCgroup(podUID: uid)
        state.isForgotten = true
    }
}

extension Pod {
    /// Whether the spec names this config map or secret (`configmaps/NAME`, `secrets/NAME`).
    func refersTo(_ reference: String) -> Bool {
        let parts = reference.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return false }
        let keys: Set<String> =
            parts[0] == "configmaps"
            ? ["configMap", "configMapRef", "configMapKeyRef"] : ["secret", "secretRef", "secretKeyRef", "imagePullSecrets"]
        return Self.mentions(spec, keys, parts[1], isInside: false)
    }

    private static func mentions(_ tree: JSON, _ keys: Set<String>, _ name: String, isInside: Bool) -> Bool {
        switch tree {
        case .object(let object):
            if isInside, object["name"]?.string == name || object["secretName"]?.string == name { return true }
            for (key, value) in object where mentions(value, keys, name, isInside: keys.contains(key)) { return true }
            return false
        case .array(let list): return list.contains { mentions($0, keys, name, isInside: isInside) }
        default: return false
        }
    }
}
