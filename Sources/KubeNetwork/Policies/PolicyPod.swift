import KubeObject

/// What of a pod matters to policies.
struct PolicyPod: Sendable, Hashable {
    /// A port as containers call it.
    struct PortName: Sendable, Hashable {
        var name: String
        var transport: TransportProtocol
    }

    var namespace: String
    var name: String
    var labels: [String: String] = [:]
    var ports: [PortName: Set<UInt16>] = [:]

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    init(_ pod: Object) {
        self.init(namespace: pod.metadata.namespace, name: pod.metadata.name)
        labels = pod.metadata.labels
        let spec = pod.tree["spec"]
        let sidecars = (spec?["initContainers"]?.elements ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        for port in ((spec?["containers"]?.elements ?? []) + sidecars).flatMap({ $0["ports"]?.elements ?? [] }) {
            guard let name = port["name"]?.string, !name.isEmpty,
                let transport = TransportProtocol(api: port["protocol"]?.string),
                let number = port["containerPort"]?.int.flatMap(UInt16.init(exactly:))
            else { continue }
            ports[PortName(name: name, transport: transport), default: []].insert(number)
        }
    }
}
