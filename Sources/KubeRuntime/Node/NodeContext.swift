import KubeObject

/// The node that pods run on, as everything that makes pods needs it.
struct NodeContext: Sendable {
    var instance: String
    var facts: NodeFacts
    var machine: MachineFacts
    var hostIPs: [String]
    var dnsAddress: String
    var podPidsLimit: Int64?
    var resolverFile: String
    var paths: EnginePaths
    /// Bytes; what stands for a limit of memory that a container doesn't have.
    var allocatableMemory: Int64
    var allocatableProcessors: Quantity

    /// A pod's cgroup: a path, or with systemd a slice.
    func cgroupParent(podUID: String) -> String {
        machine.usesSystemdCgroups ? paths.slice(podUID: podUID).unit : "\(paths.cgroup)/pod\(podUID)"
    }

    /// The same as a path below the hierarchies.
    func cgroup(podUID: String) -> String {
        machine.usesSystemdCgroups ? paths.slice(podUID: podUID).path : cgroupParent(podUID: podUID)
    }

    /// Removes the cgroup of a pod whose containers are gone.
    func removeCgroup(podUID: String) async throws {
        if machine.usesSystemdCgroups {
            try await paths.slice(podUID: podUID).remove()
        } else {
            await Cgroups.remove(cgroupParent(podUID: podUID))
        }
    }

    func networking(_ pod: Pod) -> PodNetworking {
        PodNetworking(
            pod: pod, dnsAddress: dnsAddress, nodeHostname: facts.hostname,
            nodeResolver: (try? File.text(resolverFile)) ?? "",
            nodeHosts: (try? File.text("/etc/hosts")) ?? "")
    }

    func fields(_ pod: Pod, podIPs: [String]) -> DownwardFields {
        DownwardFields(
            pod: pod, podIPs: pod.usesHostNetwork ? hostIPs : podIPs, hostIPs: hostIPs, nodeCPUs: allocatableProcessors,
            nodeMemory: allocatableMemory)
    }
}
