import KubeObject

/// What kubelet tells of its node's pods beside their objects: `/stats/summary`, and `/metrics/resource`, of which metrics-server lives.
///
/// A cluster sees its own pods, and as its node's the sum of theirs.
/// Source: https://kubernetes.io/docs/reference/instrumentation/node-metrics/
struct NodeStatistics {
    let node: Object
    /// The node's pods; those that weren't measured are left out.
    let pods: [Object]
    let usage: ResourceUsage
    /// Disk, network and processes; nil when they weren't asked for, or aren't known.
    var rest: PodStatistics?

    private func measured() -> [(pod: Object, containers: [ResourceUsage.Container])] {
        self.pods.compactMap { pod in
            guard let containers = self.usage.pods[pod.metadata.namespace]?[pod.metadata.name], !containers.isEmpty else {
                return nil
            }
            return (pod, containers.sorted { $0.name < $1.name })
        }
    }

    // MARK: /stats/summary

    /// Processor and memory, which is what `only_cpu_and_memory` asks for, and the rest if it was measured.
    var summary: JSON {
        let measured = measured()
        let everything = measured.flatMap(\.containers)
        var node: JSON = [
            "nodeName": .string(self.node.metadata.name),
            "startTime": .string(self.node.tree[path: "metadata", "creationTimestamp"]?.string ?? ""),
            "cpu": processor(everything), "memory": memory(everything),
            // What the cluster's pods are together; what else the machine does is nothing that a cluster should know.
            "systemContainers": [
                [
                    "name": "pods", "startTime": .string(self.node.tree[path: "metadata", "creationTimestamp"]?.string ?? ""),
                    "cpu": processor(everything), "memory": memory(everything),
                ]
            ],
        ]
        self.addRest(to: &node)
        return ["node": node, "pods": .array(measured.map { self.pod($0.pod, $0.containers) })]
    }

    var time: JSON { .string(Timestamp.format(self.usage.time)) }

    private func pod(_ pod: Object, _ containers: [ResourceUsage.Container]) -> JSON {
        let metadata = pod.metadata
        let rest = self.rest?.pods[metadata.uid]
        var tree: JSON = [
            "podRef": [
                "name": .string(metadata.name), "namespace": .string(metadata.namespace), "uid": .string(metadata.uid),
            ],
            "startTime": .string(pod.tree[path: "status", "startTime"]?.string ?? ""),
            "containers": .array(
                containers.map { container in
                    var tree: JSON = [
                        "name": .string(container.name),
                        "startTime": .string(Timestamp.format(container.counted.startTime)),
                        "cpu": self.processor([container]), "memory": self.memory([container]),
                    ]
                    if let rest { self.addRest(of: container.name, rest, to: &tree) }
                    return tree
                }),
            "cpu": self.processor(containers), "memory": self.memory(containers),
        ]
        if let rest { self.addRest(rest, metadata.namespace, to: &tree) }
        return tree
    }

    private func processor(_ containers: [ResourceUsage.Container]) -> JSON {
        [
            "time": self.time, "usageNanoCores": .int(containers.reduce(0) { $0 &+ $1.nanocores }),
            "usageCoreNanoSeconds": Self.sum(containers, \.processorNanoseconds),
        ]
    }

    private func memory(_ containers: [ResourceUsage.Container]) -> JSON {
        [
            "time": self.time, "usageBytes": Self.sum(containers, \.usedMemory),
            "workingSetBytes": .int(containers.reduce(0) { $0 &+ $1.memory }), "rssBytes": Self.sum(containers, \.residentSet),
            "pageFaults": Self.sum(containers, \.pageFaults), "majorPageFaults": Self.sum(containers, \.majorPageFaults),
        ]
    }

    private static func sum(
        _ containers: [ResourceUsage.Container], _ value: (ResourceUsage.Counted) -> UInt64
    ) -> JSON {
        .int(Int64(clamping: containers.reduce(0) { $0 &+ value($1.counted) }))
    }

    // MARK: /metrics/resource

    /// In Prometheus' text form, with the time of each measurement.
    var metrics: String {
        let measured = measured()
        let stamp = Int64(saturating: self.usage.time * 1000)
        var text = ""
        func metric(_ name: String, _ help: String, _ kind: String, _ lines: [(labels: String, value: Double)]) {
            guard !lines.isEmpty else { return }
            text += "# HELP \(name) [STABLE] \(help)\n# TYPE \(name) \(kind)\n"
            for line in lines { text += "\(name)\(line.labels) \(line.value) \(stamp)\n" }
        }
        typealias Containers = [ResourceUsage.Container]
        func seconds(_ containers: Containers) -> Double {
            containers.reduce(0) { $0 + Double($1.counted.processorNanoseconds) / 1e9 }
        }
        func bytes(_ containers: Containers) -> Double { containers.reduce(0) { $0 + Double($1.memory) } }
        func byContainer(_ value: (Containers) -> Double) -> [(String, Double)] {
            measured.flatMap { pod, containers in
                containers.map { container in
                    let labels =
                        "{container=\"\(container.name)\",namespace=\"\(pod.metadata.namespace)\",pod=\"\(pod.metadata.name)\"}"
                    return (labels, value([container]))
                }
            }
        }
        func byPod(_ value: (Containers) -> Double) -> [(String, Double)] {
            measured.map { pod, containers in
                ("{namespace=\"\(pod.metadata.namespace)\",pod=\"\(pod.metadata.name)\"}", value(containers))
            }
        }
        let everything = measured.flatMap(\.containers)
        metric(
            "container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", "counter",
            byContainer(seconds))
        metric(
            "container_memory_working_set_bytes", "Current working set of the container in bytes", "gauge", byContainer(bytes))
        metric(
            "container_start_time_seconds", "Start time of the container since unix epoch in seconds", "gauge",
            byContainer { $0.first?.counted.startTime ?? 0 })
        metric(
            "node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds", "counter",
            [("", seconds(everything))])
        metric("node_memory_working_set_bytes", "Current working set of the node in bytes", "gauge", [("", bytes(everything))])
        metric(
            "pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", "counter", byPod(seconds))
        metric("pod_memory_working_set_bytes", "Current working set of the pod in bytes", "gauge", byPod(bytes))
        text += "# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n"
        text += "# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n"
        return text
    }
}
