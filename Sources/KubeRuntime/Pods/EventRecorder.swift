import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import Synchronization

/// Writes the node's events about pods, as kubelet does: the same event again only raises its count.
///
/// `record` never waits: events go through a bounded queue (the oldest is dropped when writing can't keep up) that `run` empties.
final class EventRecorder: Sendable {
    enum Kind: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    private struct Entry: Sendable {
        var cluster: LogicalCluster
        /// The pod's.
        var node: String
        var involved: JSON
        var namespace: String
        var kind: Kind
        var reason: String
        var message: String
        var time: Double
    }

    private struct Known {
        var name: String
        var count: Int64
    }

    private struct State {
        /// The names of the events written lately, so that they can be counted up.
        var known: [String: Known] = [:]
        /// Per object: how many more events it may have, and since when that has been refilled.
        var budgets: [String: (tokens: Double, time: Double)] = [:]
    }

    private let registry: Registry
    private let logger: Logger
    private let queue: AsyncStream<Entry>
    private let input: AsyncStream<Entry>.Continuation
    private let state = Mutex(State())

    init(registry: Registry, logger: Logger) {
        self.registry = registry
        self.logger = logger
        (queue, input) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(2048))
    }

    /// - Parameter container: the container that the event is about, for `involvedObject.fieldPath`.
    func record(
        _ kind: Kind, _ reason: String, _ message: String, pod: Pod, container: ContainerSpec? = nil, in cluster: LogicalCluster
    ) {
        var involved: JSON = [
            "apiVersion": "v1", "kind": "Pod", "name": .string(pod.name), "namespace": .string(pod.namespace),
            "uid": .string(pod.uid),
            "resourceVersion": .string("\(pod.metadata.resourceVersion)"),
        ]
        if let container {
            let list =
                switch container.role {
                case .regular: "containers"
                case .ephemeral: "ephemeralContainers"
                case .initial, .sidecar: "initContainers"
                }
            involved["fieldPath"] = .string("spec.\(list){\(container.name)}")
        }
        input.yield(
            Entry(
                cluster: cluster, node: pod.nodeName, involved: involved, namespace: pod.namespace, kind: kind, reason: reason,
                message: String(message.prefix(1024)), time: Timestamp.seconds))
    }

    /// About a node itself: such events are in the namespace `default`, and know the node by its name.
    func record(_ kind: Kind, _ reason: String, _ message: String, node: String, in cluster: LogicalCluster) {
        input.yield(
            Entry(
                cluster: cluster, node: node,
                involved: ["apiVersion": "v1", "kind": "Node", "name": .string(node), "uid": .string(node)], namespace: "default",
                kind: kind, reason: reason, message: message, time: Timestamp.seconds))
    }

    /// Writes what is recorded, until cancelled.
    func run() async {
        for await entry in queue {
            do {
                try await write(entry)
            } catch {
                // An event is only a note: the namespace may be gone.
                logger.debug("an event could not be written", metadata: ["reason": "\(entry.reason)", "error": "\(error)"])
            }
        }
    }

    private func write(_ entry: Entry) async throws {
        let uid = entry.involved["uid"]?.string ?? ""
        let field = entry.involved["fieldPath"]?.string ?? ""
        let key = "\(entry.cluster.id)/\(uid)/\(field)/\(entry.kind)/\(entry.reason)/\(entry.message)"
        guard takeToken("\(entry.cluster.id)/\(uid)", now: entry.time) else { return }
        let resource = try registry.resource("events")
        let context = RequestContext.node(entry.node, in: entry.cluster)
        let time = JSON.string(Timestamp.format(entry.time))
        if let known = state.withLock({ $0.known[key] }) {
            if try await countUp(known, resource, entry.namespace, time, context) {
                state.withLock { $0.known[key]?.count = known.count + 1 }
                return
            }
            state.withLock { $0.known[key] = nil }
        }
        let name = "\(entry.involved["name"]?.string ?? "").\(String(UInt64(entry.time * 1e9), radix: 16))"
        let event: JSON = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name), "namespace": .string(entry.namespace)],
            "involvedObject": entry.involved, "reason": .string(entry.reason), "message": .string(entry.message),
            "type": .string(entry.kind.rawValue), "source": ["component": "kubelet", "host": .string(entry.node)],
            "firstTimestamp": time,
            "lastTimestamp": time, "count": 1, "reportingComponent": "kubelet", "reportingInstance": .string(entry.node),
        ]
        _ = try await registry.create(event, resource, namespace: entry.namespace, CreateOptions(), context)
        state.withLock { state in
            if state.known.count > 4096 { state.known.removeAll() }
            state.known[key] = Known(name: name, count: 1)
        }
    }

    /// False when the event has been deleted since.
    private func countUp(
        _ known: Known, _ resource: ResourceType, _ namespace: String, _ time: JSON, _ context: RequestContext
    ) async throws(StatusError) -> Bool {
        let count = known.count + 1
        do throws(StatusError) {
            try await registry.mutate(resource, namespace: namespace, name: known.name, context) { tree in
                tree["count"] = .int(count)
                tree["lastTimestamp"] = time
            }
            return true
        } catch {
            if error.code == 404 { return false }
            throw error
        }
    }

    /// 25 events at once for one object, then one in five minutes, as client-go has it.
    private func takeToken(_ uid: String, now: Double) -> Bool {
        state.withLock { state in
            if state.budgets.count > 4096 { state.budgets.removeAll() }
            var budget = state.budgets[uid] ?? (tokens: 25, time: now)
            budget.tokens = min(25, budget.tokens + (now - budget.time) / 300)
            budget.time = now
            let isAllowed = budget.tokens >= 1
            if isAllowed { budget.tokens -= 1 }
            state.budgets[uid] = budget
            return isAllowed
        }
    }
}
