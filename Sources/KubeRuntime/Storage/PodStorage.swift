import KubeObject

/// What a pod has on the node's disk: containers' own layers, their logs, and volumes.
struct PodStorage: Sendable, Equatable {
    struct Container: Sendable, Equatable {
        /// What the container has written into its root; nil when it has no layer now.
        var root: DiskUsage?
        var logs: DiskUsage
    }

    /// By name.
    var containers: [String: Container] = [:]
    var volumes: [String: DiskUsage] = [:]
    /// Those of the volumes that go with the pod.
    var ownVolumes: Set<String> = []

    /// All that goes with the pod: what its limit of `ephemeral-storage` is for.
    var ephemeral: DiskUsage {
        var sum = DiskUsage()
        for container in containers.values {
            sum += container.logs
            if let root = container.root { sum += root }
        }
        for name in ownVolumes { if let volume = volumes[name] { sum += volume } }
        return sum
    }

    /// Where all that is.
    struct Places: Sendable {
        /// By the container's name.
        var roots: [String: String] = [:]
        var logs: [String: String] = [:]
        var volumes: [String: String] = [:]
        var ownVolumes: Set<String> = []

        /// Counts; takes as long as it's much.
        func measure() -> PodStorage {
            var storage = PodStorage(ownVolumes: ownVolumes)
            for (name, path) in logs {
                storage.containers[name] = Container(root: roots[name].map(DiskUsage.of), logs: DiskUsage.of(path))
            }
            for (name, path) in volumes { storage.volumes[name] = DiskUsage.of(path) }
            return storage
        }
    }
}

extension PodWorker {
    /// Where the pod's files are now. Volumes in memory aren't on the disk, and those of the machine's own (`hostPath`) are nobody's use.
    ///
    /// - Parameter layers: containers' own layers, by container ID.
    func storagePlaces(_ pod: Pod, layers: [String: String]) -> PodStorage.Places {
        var places = PodStorage.Places()
        for list in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
            for status in pod.status[list]?.elements ?? [] {
                guard let name = status["name"]?.string, let id = status["containerID"]?.string else { continue }
                places.logs[name] = "\(files.logs)/\(name)"
                places.roots[name] = layers[String(id.drop { $0 != "/" }.dropFirst(2))]
            }
        }
        let mounter = mounter(pod, podIPs: [])
        for volume in pod.spec["volumes"]?.elements ?? [] {
            guard let name = volume["name"]?.string else { continue }
            let isClaim = ClaimVolumes.claimName(volume, of: pod) != nil
            let isOnDisk = volume["emptyDir"].map { $0["medium"]?.string != "Memory" } ?? (volume["configMap"] != nil)
            guard isClaim || isOnDisk else { continue }
            // One that can't be found isn't mounted either.
            do throws(ContainerFailure) { places.volumes[name] = try mounter.path(volume) } catch { continue }
            if !isClaim { places.ownVolumes.insert(name) }
        }
        return places
    }
}

extension ContainerEngine {
    /// The directories into which running containers write what isn't in a volume, by container ID.
    func writableLayers() -> [String: String] {
        let tasks = "\(paths.state)/io.containerd.runtime.v2.task/k8s.io/"
        guard let table = try? File.text("/proc/self/mountinfo") else { return [:] }
        return Self.writableLayers(table, below: tasks)
    }

    /// - Parameter table: as `/proc/self/mountinfo`, in which an overlay's options name its upper directory.
    static func writableLayers(_ table: String, below tasks: String) -> [String: String] {
        var layers: [String: String] = [:]
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4].hasPrefix(tasks), fields[4].hasSuffix("/rootfs"), let options = fields.last,
                let upper = options.split(separator: ",").first(where: { $0.hasPrefix("upperdir=") })
            else { continue }
            let id = fields[4].dropFirst(tasks.count).dropLast("/rootfs".count)
            layers[String(id)] = String(upper.dropFirst("upperdir=".count))
        }
        return layers
    }
}
