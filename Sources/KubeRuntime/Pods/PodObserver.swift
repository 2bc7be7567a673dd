internal import GRPCCore
import KubeObject
internal import SwiftProtobuf

/// Reads from the engine what it has of one pod. What can't change any more (an ended container's status, a sandbox's address) is
/// asked for once.
struct PodObserver {
    let client: EngineClient
    let uid: String
    let files: PodFiles
    private var details: [String: ObservedContainer] = [:]
    private var addresses: [String: [String]] = [:]

    init(client: EngineClient, uid: String, files: PodFiles) {
        self.client = client
        self.uid = uid
        self.files = files
    }

    mutating func observe(pod: Pod?) async throws -> ObservedPod {
        let labels = [PodLabels.podUID: uid]
        let sandboxes = try await client.runtime.listPodSandbox(
            .with { $0.filter.labelSelector = labels }, options: .within(.seconds(10)))
        let containers = try await client.runtime.listContainers(
            .with { $0.filter.labelSelector = labels }, options: .within(.seconds(10)))
        var observed = ObservedPod()
        for sandbox in sandboxes.items {
            var item = ObservedSandbox(
                id: sandbox.id, attempt: sandbox.metadata.attempt, isReady: sandbox.state == .sandboxReady,
                createdAt: sandbox.createdAt)
            item.ips = try await ips(of: item)
            observed.sandboxes.append(item)
        }
        observed.sandboxes.sort { ($0.attempt, $0.createdAt) > ($1.attempt, $1.createdAt) }
        for container in containers.containers {
            let state = Self.state(container.state)
            if let known = details[container.id], known.state == state {
                observed.containers.append(known)
            } else if let found = try await detail(container, pod: pod) {
                details[container.id] = found
                observed.containers.append(found)
            }
        }
        observed.containers.sort { ($0.createdAt, $0.attempt) > ($1.createdAt, $1.attempt) }
        let ids = Set(containers.containers.map(\.id))
        details = details.filter { ids.contains($0.key) }
        return observed
    }

    private mutating func ips(of sandbox: ObservedSandbox) async throws -> [String] {
        if let known = addresses[sandbox.id] { return known }
        guard sandbox.isReady else { return [] }
        let answer = try await client.runtime.podSandboxStatus(
            .with { $0.podSandboxID = sandbox.id }, options: .within(.seconds(10)))
        let network = answer.status.network
        let ips = ([network.ip] + network.additionalIps.map(\.ip)).filter { !$0.isEmpty }
        if !ips.isEmpty { addresses[sandbox.id] = ips }
        return ips
    }

    private func detail(_ container: CRIContainer, pod: Pod?) async throws -> ObservedContainer? {
        let answer: CRIContainerStatusResponse
        do {
            answer = try await client.runtime.containerStatus(
                .with { $0.containerID = container.id }, options: .within(.seconds(10)))
        } catch let error as RPCError where error.code == .notFound {
            return nil  // removed since the list was made
        }
        let status = answer.status
        var found = ObservedContainer(
            id: container.id, sandboxID: container.podSandboxID, name: container.metadata.name,
            attempt: container.metadata.attempt,
            state: Self.state(status.state))
        found.createdAt = status.createdAt
        found.startedAt = status.startedAt
        found.finishedAt = status.finishedAt
        found.exitCode = status.exitCode
        found.reason = status.reason
        found.message = status.message
        found.image = status.image.image
        found.imageRef = status.imageRef
        found.specImage = container.annotations[PodLabels.image] ?? ""
        if found.state == .exited {
            let policy = container.annotations[PodLabels.messagePolicy] ?? "File"
            let text = TerminationMessage.read(
                file: files.message(found.name, found.attempt), log: files.log(found.name, found.attempt),
                usesLog: policy == "FallbackToLogsOnError" && found.exitCode != 0)
            if !text.isEmpty { found.message = text }
        }
        return found
    }

    private static func state(_ state: CRIContainerState) -> ObservedContainer.State {
        switch state {
        case .containerCreated: .created
        case .containerRunning: .running
        case .containerExited: .exited
        default: .unknown
        }
    }
}

/// What a container's process left as the reason for its end.
enum TerminationMessage {
    static let limit = 4096

    /// The file's beginning; when it's empty and that is wanted, the end of the log (80 lines or 2,048 bytes).
    static func read(file: String, log: String, usesLog: Bool) -> String {
        let bytes = (try? File.bytes(file)) ?? []
        if !bytes.isEmpty || !usesLog { return String(decoding: bytes.prefix(limit), as: UTF8.self) }
        let lines = ((try? File.bytes(log)) ?? []).suffix(65536).split(separator: 10).suffix(80)
        var text = ""
        for line in lines {
            guard let entry = LogLine(line) else { continue }
            text += String(decoding: entry.content, as: UTF8.self)
            if !entry.isPartial { text += "\n" }
        }
        return String(decoding: Array(text.utf8).suffix(2048), as: UTF8.self)
    }
}
