import KubeObject

extension PodMemory {
    /// Takes over containers that an earlier server started: their start was completed, and what their probes said last holds until they
    /// say something else. Otherwise a restart of the server would be an outage of everything that has a readiness probe.
    /// Source: KEP-4781 (a restart of the kubelet doesn't change containers' status)
    ///
    /// - Parameters:
    ///   - containers: what was found when this server first looked; those that are only created are still to be started.
    ///   - pod: as stored, with the status that the earlier server wrote last; nil when it's gone.
    mutating func adopt(_ containers: [ObservedContainer], _ pod: Pod?) {
        for container in containers where container.state != .created && !starting.contains(container.name) {
            hooksDone.insert(container.id)
            guard container.state == .running, let status = pod.flatMap({ Self.status(of: container, $0) }) else { continue }
            var known = Probes()
            if status["started"]?.bool == true { known.isStarted = true }
            if status["ready"]?.bool == true { known.isReady = true }
            if known != Probes(), probes[container.id] == nil { probes[container.id] = known }
        }
    }

    /// What the pod's status says of this very container, not of one before it.
    static func status(of container: ObservedContainer, _ pod: Pod) -> JSON? {
        let lists = [pod.status["containerStatuses"], pod.status["initContainerStatuses"]]
        return lists.lazy.compactMap { $0 }.flatMap(\.elements).first {
            $0["containerID"]?.string == "containerd://" + container.id
        }
    }
}
