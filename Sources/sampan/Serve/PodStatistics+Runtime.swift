import KubeAPI
import KubeRuntime

/// What the runtime has counted, as the API tells it: the two rooms know nothing of each other.
extension PodStatistics {
    init(_ found: KubeRuntime.NodeStatistics.Statistics) {
        self.init(
            time: found.time, pods: found.pods.mapValues(Pod.init), fileSystem: FileSystem(found.space),
            imageBytes: found.imageBytes, mostProcesses: found.mostProcesses)
    }
}

extension PodStatistics.Disk {
    fileprivate init(_ usage: DiskUsage) { self.init(bytes: usage.bytes, inodes: usage.inodes) }
}

extension PodStatistics.FileSystem {
    fileprivate init(_ space: FileSystemSpace) {
        self.init(
            capacity: .init(bytes: space.capacity, inodes: space.inodes),
            available: .init(bytes: space.available, inodes: space.freeInodes))
    }
}

extension PodStatistics.Pod {
    fileprivate init(_ pod: KubeRuntime.NodeStatistics.Pod) {
        self.init(
            containers: pod.containers.mapValues { container in
                .init(root: container.root.map { PodStatistics.Disk($0) }, logs: .init(container.logs))
            },
            volumes: pod.volumes.map { volume in
                .init(name: volume.name, claim: volume.claim, used: .init(volume.usage), fileSystem: .init(volume.space))
            }, ephemeral: .init(pod.ephemeral),
            interfaces: pod.interfaces.map { counters in
                .init(
                    name: counters.name, receivedBytes: counters.receivedBytes, receiveErrors: counters.receiveErrors,
                    sentBytes: counters.sentBytes, sendErrors: counters.sendErrors)
            }, processes: pod.processes)
    }
}
