import KubeObject

/// The kernel's settings that a pod may have as it likes: those of its own namespaces by which it can do no harm to others.
/// Source: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
enum Sysctls {
    private static let ofNetwork: Set<String> = [
        "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
    private static let ofIPC: Set<String> = ["kernel.shm_rmid_forced"]

    /// What is wrong with the first that a pod may not have.
    static func problem(_ spec: JSON?) -> String? {
        for sysctl in spec?[path: "securityContext", "sysctls"]?.elements ?? [] {
            let name = normal(sysctl["name"]?.string ?? "")
            if ofNetwork.contains(name) {
                if spec?["hostNetwork"]?.bool == true { return "\"\(name)\" not allowed with host net enabled" }
            } else if ofIPC.contains(name) {
                if spec?["hostIPC"]?.bool == true { return "\"\(name)\" not allowed with host ipc enabled" }
            } else {
                return "\"\(name)\" not allowlisted"
            }
        }
        return nil
    }

    /// `net/ipv4/a.b` is another way to write `net.ipv4.a/b`.
    private static func normal(_ name: String) -> String {
        guard let first = name.first(where: { $0 == "." || $0 == "/" }), first == "/" else { return name }
        return String(name.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }
}
