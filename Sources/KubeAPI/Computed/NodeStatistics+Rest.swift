import KubeObject

/// The parts of `/stats/summary` that are about disk, network and processes, and kubelet's metrics of volumes.
extension NodeStatistics {
    func addRest(to node: inout JSON) {
        guard let rest else { return }
        let pods = self.pods.compactMap { rest.pods[$0.metadata.uid] }
        node["fs"] = self.disk(PodStatistics.sum(pods.map(\.ephemeral)), rest.fileSystem)
        // Images and containers' own layers are on that file system, too. Nobody counts the inodes of images.
        var images = self.disk(.init(bytes: rest.imageBytes, inodes: 0), rest.fileSystem)
        images["inodesUsed"] = nil
        let roots = pods.flatMap { $0.containers.values.compactMap(\.root) }
        node["runtime"] = ["imageFs": images, "containerFs": self.disk(PodStatistics.sum(roots), rest.fileSystem)]
        node["network"] = self.network(PodStatistics.Interface.sums(pods.flatMap(\.interfaces)))
        node["rlimit"] = [
            "time": self.time, "maxpid": .int(rest.mostProcesses),
            "curproc": .int(pods.reduce(0) { $0 &+ ($1.processes ?? 0) }),
        ]
    }

    func addRest(of container: String, _ pod: PodStatistics.Pod, to tree: inout JSON) {
        guard let rest, let own = pod.containers[container] else { return }
        if let root = own.root { tree["rootfs"] = self.disk(root, rest.fileSystem) }
        tree["logs"] = self.disk(own.logs, rest.fileSystem)
    }

    func addRest(_ pod: PodStatistics.Pod, _ namespace: String, to tree: inout JSON) {
        guard let rest else { return }
        if !pod.interfaces.isEmpty { tree["network"] = self.network(pod.interfaces) }
        if !pod.volumes.isEmpty {
            tree["volume"] = .array(
                pod.volumes.map { volume in
                    var entry = self.disk(volume.used, volume.fileSystem)
                    entry["name"] = .string(volume.name)
                    if let claim = volume.claim {
                        entry["pvcRef"] = ["name": .string(claim), "namespace": .string(namespace)]
                    }
                    return entry
                })
        }
        tree["ephemeral-storage"] = self.disk(pod.ephemeral, rest.fileSystem)
        if let processes = pod.processes { tree["process_stats"] = ["process_count": .int(processes)] }
    }

    private func disk(_ used: PodStatistics.Disk, _ space: PodStatistics.FileSystem) -> JSON {
        [
            "time": .string(Timestamp.format(self.rest?.time ?? self.usage.time)), "usedBytes": .int(used.bytes),
            "inodesUsed": .int(used.inodes), "availableBytes": .int(space.available.bytes),
            "capacityBytes": .int(space.capacity.bytes), "inodesFree": .int(space.available.inodes),
            "inodes": .int(space.capacity.inodes),
        ]
    }

    /// The first interface's numbers are the pod's.
    private func network(_ interfaces: [PodStatistics.Interface]) -> JSON {
        func numbers(_ interface: PodStatistics.Interface) -> JSON {
            [
                "name": .string(interface.name), "rxBytes": .int(interface.receivedBytes),
                "rxErrors": .int(interface.receiveErrors), "txBytes": .int(interface.sentBytes),
                "txErrors": .int(interface.sendErrors),
            ]
        }
        var tree = interfaces.first.map(numbers) ?? [:]
        tree["time"] = .string(Timestamp.format(self.rest?.time ?? self.usage.time))
        tree["interfaces"] = .array(interfaces.map(numbers))
        return tree
    }

    // MARK: /metrics

    /// Of kubelet's own metrics those that are about the cluster's pods, in Prometheus' text form. A claim that several pods have is told of once.
    var kubeletMetrics: String {
        var text = ""
        func metric(_ name: String, _ help: String, _ lines: [(labels: String, value: Int64)]) {
            guard !lines.isEmpty else { return }
            text += "# HELP \(name) [ALPHA] \(help)\n# TYPE \(name) gauge\n"
            for line in lines { text += "\(name)\(line.labels) \(line.value)\n" }
        }
        metric("kubelet_node_name", "The node's name. The count is always 1.", [("{node=\"\(self.node.metadata.name)\"}", 1)])
        let running = self.pods.filter { $0.tree[path: "status", "phase"]?.string == "Running" }
        metric("kubelet_running_pods", "Number of pods that have a running pod sandbox", [("", Int64(running.count))])
        let statuses = self.pods.flatMap { $0.tree[path: "status", "containerStatuses"]?.elements ?? [] }
        func count(_ key: String) -> Int64 { Int64(statuses.filter { $0[path: "state", key] != nil }.count) }
        metric(
            "kubelet_running_containers", "Number of containers currently running",
            [
                ("{container_state=\"running\"}", count("running")), ("{container_state=\"exited\"}", count("terminated")),
            ])
        var volumes: [String: PodStatistics.Volume] = [:]
        for pod in self.pods {
            for volume in self.rest?.pods[pod.metadata.uid]?.volumes ?? [] {
                guard let claim = volume.claim else { continue }
                volumes["{namespace=\"\(pod.metadata.namespace)\",persistentvolumeclaim=\"\(claim)\"}"] = volume
            }
        }
        let sorted = volumes.sorted { $0.key < $1.key }
        func volumeMetric(_ name: String, _ help: String, _ value: (PodStatistics.Volume) -> Int64) {
            metric("kubelet_volume_stats_\(name)", help, sorted.map { ($0.key, value($0.value)) })
        }
        volumeMetric("available_bytes", "Number of available bytes in the volume") { $0.fileSystem.available.bytes }
        volumeMetric("capacity_bytes", "Capacity in bytes of the volume") { $0.fileSystem.capacity.bytes }
        volumeMetric("inodes", "Maximum number of inodes in the volume") { $0.fileSystem.capacity.inodes }
        volumeMetric("inodes_free", "Number of free inodes in the volume") { $0.fileSystem.available.inodes }
        volumeMetric("inodes_used", "Number of used inodes in the volume") { $0.used.inodes }
        volumeMetric("used_bytes", "Number of used bytes in the volume") { $0.used.bytes }
        return text
    }
}

extension PodStatistics {
    static func sum(_ disks: [Disk]) -> Disk {
        disks.reduce(Disk(bytes: 0, inodes: 0)) { Disk(bytes: $0.bytes &+ $1.bytes, inodes: $0.inodes &+ $1.inodes) }
    }
}

extension PodStatistics.Interface {
    /// By name.
    static func sums(_ interfaces: [Self]) -> [Self] {
        var sums: [String: Self] = [:]
        for one in interfaces {
            guard var sum = sums[one.name] else {
                sums[one.name] = one
                continue
            }
            sum.receivedBytes &+= one.receivedBytes
            sum.receiveErrors &+= one.receiveErrors
            sum.sentBytes &+= one.sentBytes
            sum.sendErrors &+= one.sendErrors
            sums[one.name] = sum
        }
        return sums.values.sorted { $0.name < $1.name }
    }
}
