public import KubeObject
import KubeRegistry
public import KubeSchema
public import KubeStore

/// What a cluster's containers used over a short time.
public struct ResourceUsage: Sendable {
    public struct Container: Sendable {
        public var name: String
        /// In nanoseconds of a processor a second.
        public var nanocores: Int64
        /// The working set, in bytes.
        public var memory: Int64
        public var counted: Counted

        public init(name: String, nanocores: Int64, memory: Int64, counted: Counted = Counted()) {
            self.name = name
            self.nanocores = nanocores
            self.memory = memory
            self.counted = counted
        }
    }

    /// What is counted since a container's beginning, and what its memory consists of.
    public struct Counted: Sendable, Equatable {
        /// Seconds since 1970 when the container was made; 0 when that isn't known.
        public var startTime: Double
        /// Processor time, in nanoseconds.
        public var processorNanoseconds: UInt64
        /// All memory and the resident set, in bytes.
        public var usedMemory: UInt64
        public var residentSet: UInt64
        public var pageFaults: UInt64
        public var majorPageFaults: UInt64

        public init(
            startTime: Double = 0, processorNanoseconds: UInt64 = 0, usedMemory: UInt64 = 0, residentSet: UInt64 = 0,
            pageFaults: UInt64 = 0, majorPageFaults: UInt64 = 0
        ) {
            self.startTime = startTime
            self.processorNanoseconds = processorNanoseconds
            self.usedMemory = usedMemory
            self.residentSet = residentSet
            self.pageFaults = pageFaults
            self.majorPageFaults = majorPageFaults
        }
    }

    /// Seconds since 1970.
    public var time: Double
    /// For how many seconds before that it was counted.
    public var window: Double
    /// By namespace and name.
    public var pods: [String: [String: [Container]]]

    public init(time: Double, window: Double, pods: [String: [String: [Container]]]) {
        self.time = time
        self.window = window
        self.pods = pods
    }
}

/// The resource metrics API, `metrics.k8s.io/v1beta1`, from which `kubectl top` and clients of it have their numbers.
/// Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
///
/// A cluster sees its own pods only, and as a node's use the sum of theirs: what others use of the machine is nothing that it should know.
public struct ResourceMetrics: Sendable {
    public static let group = "metrics.k8s.io"

    /// The rows that a schema gets whose clusters have these metrics; the types are built in.
    public static let declaration = ResourceDeclaration(
        types: "",
        resources: """
            group metrics.k8s.io
            version v1beta1 served metrics/v1beta1
            nodes NodeMetrics node cluster get,list - - - -
            pods PodMetrics pod ns get,list - - - -
            """)

    private let usage: @Sendable (LogicalCluster) async throws -> ResourceUsage
    private let rest: @Sendable (LogicalCluster) async throws -> PodStatistics?

    /// - Parameters:
    ///   - usage: measures what a cluster's containers use.
    ///   - rest: measures what they use beside processor and memory; nil when that isn't known.
    public init(
        usage: @escaping @Sendable (LogicalCluster) async throws -> ResourceUsage,
        rest: @escaping @Sendable (LogicalCluster) async throws -> PodStatistics? = { _ in nil }
    ) {
        self.usage = usage
        self.rest = rest
    }

    /// Who answers for which resource.
    public var resources: [GroupResource: any ComputedResource] {
        [
            GroupResource(group: Self.group, resource: "pods"): Pods(metrics: self),
            GroupResource(group: Self.group, resource: "nodes"): Nodes(metrics: self),
        ]
    }

    /// - Throws: 503 when the containers can't be measured.
    func measure(_ cluster: LogicalCluster) async throws(StatusError) -> ResourceUsage {
        do { return try await self.usage(cluster) } catch {
            throw .serviceUnavailable("the machine's containers can't be measured now: \(error)")
        }
    }

    /// - Throws: 503 when it can't be measured.
    func measureRest(_ cluster: LogicalCluster) async throws(StatusError) -> PodStatistics? {
        do { return try await self.rest(cluster) } catch {
            throw .serviceUnavailable("the machine's disk and network can't be measured now: \(error)")
        }
    }

    private struct Pods: ComputedResource {
        let metrics: ResourceMetrics

        func objects(namespace: String, name: String?, in cluster: LogicalCluster) async throws(StatusError) -> [JSON] {
            let usage = try await self.metrics.measure(cluster)
            let prefix = Key.prefix(group: "", plural: "pods", namespace: namespace.isEmpty ? nil : namespace)
            return cluster.snapshot.list(prefix: prefix).compactMap { pod in
                let metadata = pod.metadata
                guard name == nil || name == metadata.name,
                    let containers = usage.pods[metadata.namespace]?[metadata.name], !containers.isEmpty
                else { return nil }
                var answer = ResourceMetrics.object("PodMetrics", pod, usage)
                answer[path: "metadata", "namespace"] = .string(metadata.namespace)
                answer["containers"] = .array(
                    containers.sorted { $0.name < $1.name }.map {
                        ["name": .string($0.name), "usage": ResourceMetrics.amounts($0.nanocores, $0.memory)]
                    })
                return answer
            }
        }
    }

    private struct Nodes: ComputedResource {
        let metrics: ResourceMetrics

        func objects(namespace: String, name: String?, in cluster: LogicalCluster) async throws(StatusError) -> [JSON] {
            let usage = try await self.metrics.measure(cluster)
            var used: [String: (nanocores: Int64, memory: Int64)] = [:]
            for (namespace, pods) in usage.pods {
                for (pod, containers) in pods {
                    let key = Key(group: "", plural: "pods", namespace: namespace, name: pod)
                    let node = cluster.snapshot.get(key)?.tree[path: "spec", "nodeName"]?.string ?? ""
                    for container in containers {
                        let (nanocores, memory) = used[node] ?? (0, 0)
                        used[node] = (nanocores &+ container.nanocores, memory &+ container.memory)
                    }
                }
            }
            return cluster.snapshot.list(prefix: Key.prefix(group: "", plural: "nodes")).compactMap { node in
                guard name == nil || name == node.metadata.name else { return nil }
                var answer = ResourceMetrics.object("NodeMetrics", node, usage)
                let (nanocores, memory) = used[node.metadata.name] ?? (0, 0)
                answer["usage"] = ResourceMetrics.amounts(nanocores, memory)
                return answer
            }
        }
    }

    private static func object(_ kind: String, _ measured: Object, _ usage: ResourceUsage) -> JSON {
        let time = JSON.string(Timestamp.format(usage.time))
        var metadata: JSON = ["name": .string(measured.metadata.name), "creationTimestamp": time]
        if !measured.metadata.labels.isEmpty { metadata["labels"] = JSON(measured.metadata.labels) }
        return [
            "apiVersion": "metrics.k8s.io/v1beta1", "kind": .string(kind), "metadata": metadata, "timestamp": time,
            "window": .string("\(Int((usage.window * 1000).rounded()))ms"),
        ]
    }

    /// As metrics-server writes them.
    private static func amounts(_ nanocores: Int64, _ memory: Int64) -> JSON {
        ["cpu": .string("\(nanocores)n"), "memory": .string("\(memory / 1024)Ki")]
    }
}
