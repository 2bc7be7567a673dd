internal import GRPCCore
public import KubeObject
public import KubeRegistry
internal import SwiftProtobuf

extension LocalRuntime: PodStreams {
    public func isFallingAsleep(_ uid: String) -> Bool { isWorkerFallingAsleep(uid) }

    public func logs(_ target: PodTarget, container: String, options: LogOptions) async throws(StatusError) -> ByteSource {
        let pod = Pod(target.pod)
        let attempts = try await self.attempts(of: container, pod)
        let statuses = (pod.status["containerStatuses"]?.elements ?? []) + (pod.status["initContainerStatuses"]?.elements ?? [])
        let status = statuses.first { $0["name"]?.string == container }
        // The one before is what the status calls the last state: of a container that waits for its back-off, the newest.
        let last = status?[path: "lastState", "terminated", "containerID"]?.string
        guard let chosen = options.previous ? attempts.first(where: { "containerd://" + $0.id == last }) : attempts.first else {
            if options.previous {
                throw .badRequest("previous terminated container \"\(container)\" in pod \"\(pod.name)\" not found")
            }
            let waiting = status?[path: "state", "waiting", "reason"]?.string
            throw .badRequest(
                "container \"\(container)\" in pod \"\(pod.name)\" is waiting to start: \(waiting ?? "ContainerCreating")")
        }
        let files = PodFiles(engine.paths, namespace: pod.namespace, name: pod.name, uid: pod.uid)
        var since = options.sinceTime.flatMap { Timestamp.parse($0) }
        if let seconds = options.sinceSeconds { since = Timestamp.seconds - Double(seconds) }
        return LogStream(
            files: LogFiles(current: files.log(container, chosen.metadata.attempt)), options: options, since: since,
            isRunning: isRunning(chosen.id))
    }

    public func exec(_ target: PodTarget, container: String, command: [String], io: ContainerIO) async throws -> Int32 {
        let container = try await running(container, Pod(target.pod))
        let session = ExecSession(
            client: engine.client, container: container.id, command: command, io: io, directory: engine.paths.streams,
            id: "exec-" + String(UInt64.random(in: 0...UInt64.max), radix: 16))
        do {
            return try await session.run()
        } catch {
            abandon(session)
            throw error
        }
    }

    public func attach(_ target: PodTarget, container: String, io: ContainerIO) async throws {
        let pod = Pod(target.pod)
        let running = try await running(container, pod)
        let files = PodFiles(engine.paths, namespace: pod.namespace, name: pod.name, uid: pod.uid)
        let log = LogFiles(current: files.log(container, running.metadata.attempt))
        let start = log.currentSize
        let check = isRunning(running.id)
        let stdinOnce = pod.container(container)?.tree["stdinOnce"]?.bool ?? false
        let session = AttachSession(client: engine.client, container: running.id, io: io, stdinOnce: stdinOnce) { stream in
            LogStream(files: log, options: LogOptions(follow: true, stream: stream), since: nil, start: start, isRunning: check)
        }
        do {
            try await session.run()
        } catch let error as RPCError {
            throw StatusError.internalError("error attaching to container: \(error.message)")
        }
    }

    public func portForward(_ target: PodTarget, port: UInt16, from: ByteSource, to: any ByteSink) async throws {
        let pod = Pod(target.pod)
        let list = try await engine.client.runtime.listPodSandbox(
            .with { $0.filter.labelSelector = [PodLabels.podUID: pod.uid] }, options: .within(.seconds(10)))
        guard let sandbox = list.items.filter({ $0.state == .sandboxReady }).max(by: { $0.createdAt < $1.createdAt }) else {
            throw PortForwardFailure("error forwarding port \(port) to pod \(pod.name), uid \(pod.uid): the pod does not run")
        }
        var namespace: String?
        if !pod.usesHostNetwork {
            let status = try await engine.client.runtime.podSandboxStatus(
                .with {
                    $0.podSandboxID = sandbox.id
                    $0.verbose = true
                }, options: .within(.seconds(10)))
            guard let pid = try JSON(parsing: Array((status.info["info"] ?? "{}").utf8))["pid"]?.int, pid > 0 else {
                throw StatusError.internalError("the sandbox of \(pod.name) has no process")
            }
            namespace = "/proc/\(pid)/ns/net"
        }
        do {
            try await PortForwarding.run(namespace: namespace, port: port, from: from, to: to)
        } catch let error as PortForwarding.Refused {
            throw PortForwardFailure("error forwarding port \(port) to pod \(sandbox.id), uid : \(error)")
        }
    }

    /// All attempts at a container, newest first.
    private func attempts(of container: String, _ pod: Pod) async throws(StatusError) -> [CRIContainer] {
        do {
            let list = try await engine.client.runtime.listContainers(
                .with { $0.filter.labelSelector = [PodLabels.podUID: pod.uid, PodLabels.containerName: container] },
                options: .within(.seconds(10)))
            return list.containers.sorted { ($0.createdAt, $0.metadata.attempt) > ($1.createdAt, $1.metadata.attempt) }
        } catch {
            throw .internalError("containerd doesn't answer: \(error)")
        }
    }

    private func running(_ container: String, _ pod: Pod) async throws(StatusError) -> CRIContainer {
        guard let newest = try await attempts(of: container, pod).first, newest.state == .containerRunning else {
            throw .internalError("unable to upgrade connection: container not found (\"\(container)\")")
        }
        return newest
    }

    /// Asks whether a container may still write to its log.
    private func isRunning(_ id: String) -> @Sendable () async -> Bool {
        let client = engine.client
        return {
            let answer = try? await client.runtime.containerStatus(.with { $0.containerID = id }, options: .within(.seconds(5)))
            guard let state = answer?.status.state else { return false }  // removed
            return state == .containerRunning || state == .containerCreated
        }
    }
}
