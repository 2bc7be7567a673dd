import KubeObject
import KubeRegistry

extension Pod {
    /// The machine's ports that its containers ask for.
    var hostPorts: [HostPort] {
        (initContainers.filter { $0.role == .sidecar } + containers).flatMap { $0.tree["ports"]?.elements ?? [] }.compactMap {
            port in
            guard let number = port["hostPort"]?.int.flatMap(UInt16.init(exactly:)), number > 0,
                let target = port["containerPort"]?.int.flatMap(UInt16.init(exactly:))
            else { return nil }
            return HostPort(
                address: port["hostIP"]?.string ?? "", transport: port["protocol"]?.string ?? "TCP", number: number,
                target: target)
        }
    }
}
