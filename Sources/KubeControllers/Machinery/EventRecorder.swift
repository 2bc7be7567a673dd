public import KubeObject
public import KubeStore
public import Logging
import Synchronization

/// Writes `core/v1` events about objects, without ever holding up who reports them.
///
/// Concurrency model: reports go into a bounded buffer, of which `run` writes one after another. When the buffer is full, or an object
/// is reported about too often, a report is dropped: events are hints to people, not a record.
public final class EventRecorder: Sendable {
    public enum EventType: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    private struct Item {
        var report: EventCorrelation.Report
        var apiVersion: String
        var resourceVersion: UInt64
        var cluster: LogicalCluster
        var time: Double
    }

    private struct State {
        var buffer = FIFO<Item>()
        var dropped = 0
    }

    private static let bufferLimit = 2000

    private let writer: any ObjectWriter
    private let clock: ControllerClock
    private let logger: Logger
    private let state = Mutex(State())
    private let correlation = Mutex(EventCorrelation())
    private let signal = Signal()

    public init(writer: any ObjectWriter, clock: ControllerClock, logger: Logger) {
        self.writer = writer
        self.clock = clock
        self.logger = logger
    }

    /// How many reports were dropped because the buffer was full.
    public var droppedCount: Int { state.withLock { $0.dropped } }

    var isIdle: Bool { state.withLock { $0.buffer.isEmpty } }

    /// Reports something about an object.
    ///
    /// - Parameters:
    ///   - reason: one word in camel case, for programs.
    ///   - message: one sentence, for people.
    ///   - component: who reports, as `deployment-controller`.
    public func record(
        _ type: EventType, _ reason: String, _ message: String, about object: Object, from component: String,
        in cluster: LogicalCluster
    ) {
        let metadata = object.metadata
        // The API allows 1024 bytes of text.
        let text = message.utf8.count <= 1024 ? message : String(message.prefix(1000)) + "..."
        let report = EventCorrelation.Report(
            cluster: cluster.id, source: component, uid: metadata.uid, kind: object.kind, namespace: metadata.namespace,
            name: metadata.name, type: type.rawValue, reason: reason, message: text)
        let item = Item(
            report: report, apiVersion: object.apiVersion, resourceVersion: metadata.resourceVersion, cluster: cluster,
            time: clock.now())
        let isAccepted = state.withLock { state in
            guard state.buffer.count < Self.bufferLimit else {
                state.dropped += 1
                return false
            }
            state.buffer.append(item)
            return true
        }
        if isAccepted { signal.notify() }
    }

    /// Writes what is reported, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            guard let item = state.withLock({ $0.buffer.popFirst() }) else {
                await signal.wait()
                continue
            }
            await write(item)
        }
    }

    private func write(_ item: Item) async {
        let verdict = correlation.withLock { $0.decide(item.report, now: item.time) }
        do {
            switch verdict {
            case .drop: break
            case .create(let name, let message): try await create(item, name: name, message: message)
            case .count(let name, let count, let message):
                let time = Timestamp.format(item.time)
                do {
                    _ = try await writer.mutate(
                        Resources.events, namespace: Self.namespace(of: item.report), name: name, subresource: "",
                        in: item.cluster,
                        as: item.report.source
                    ) { tree in
                        tree["count"] = .int(count)
                        tree["message"] = .string(message)
                        tree["lastTimestamp"] = .string(time)
                    }
                } catch let error as StatusError where error.isNotFound {
                    correlation.withLock { $0.forget(name, cluster: item.cluster.id) }
                    try await create(item, name: name, message: message)
                }
            }
        } catch let error as StatusError where error.isNamespaceTerminating {
            // Its namespace goes, and the object with it.
        } catch {
            logger.debug(
                "couldn't write an event",
                metadata: ["cluster": "\(item.cluster.name)", "reason": "\(item.report.reason)", "error": "\(error)"])
        }
    }

    private func create(_ item: Item, name: String, message: String) async throws {
        let report = item.report
        let time = JSON.string(Timestamp.format(item.time))
        var object: JSON = [
            "apiVersion": .string(item.apiVersion), "kind": .string(report.kind), "name": .string(report.name),
            "uid": .string(report.uid), "resourceVersion": .string(String(item.resourceVersion)),
        ]
        if !report.namespace.isEmpty { object["namespace"] = .string(report.namespace) }
        let namespace = Self.namespace(of: report)
        let tree: JSON = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "involvedObject": object, "reason": .string(report.reason), "message": .string(message),
            "type": .string(report.type), "source": ["component": .string(report.source)], "firstTimestamp": time,
            "lastTimestamp": time, "count": 1, "reportingComponent": .string(report.source), "reportingInstance": "",
        ]
        _ = try await writer.create(tree, Resources.events, namespace: namespace, in: item.cluster, as: report.source)
    }

    /// Events about what is cluster-scoped live in `default`.
    private static func namespace(of report: EventCorrelation.Report) -> String {
        report.namespace.isEmpty ? "default" : report.namespace
    }
}
