/// The node that pods run on, as everything that makes pods needs it.
struct NodeContext: Sendable {
    var name: String
    var instance: String
    var facts: NodeFacts
    var machine: MachineFacts
    var hostIPs: [String]
    var dnsAddress: String
    var paths: EnginePaths

    /// A pod's cgroup: a path, or with systemd a slice.
    func cgroupParent(podUID: String) -> String {
        if machine.usesSystemdCgroups {
            func escaped(_ text: String) -> String { String(text.map { $0 == "-" ? "_" : $0 }) }
            return "sampan_\(escaped(instance))-pod\(escaped(podUID)).slice"
        }
        return "\(paths.cgroup)/pod\(podUID)"
    }

    func networking(_ pod: Pod) -> PodNetworking {
        PodNetworking(
            pod: pod, dnsAddress: dnsAddress, nodeHostname: facts.hostname,
            nodeResolver: (try? File.text("/etc/resolv.conf")) ?? "",
            nodeHosts: (try? File.text("/etc/hosts")) ?? "")
    }

    func fields(_ pod: Pod, podIPs: [String]) -> DownwardFields {
        DownwardFields(
            pod: pod, podIPs: pod.usesHostNetwork ? hostIPs : podIPs, hostIPs: hostIPs, nodeCPUs: facts.cpus,
            nodeMemory: facts.memory)
    }
}
