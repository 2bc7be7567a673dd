import KubeObject

/// What of a Service matters to the rules: where it listens. Services that have no address of their own have none of these.
struct ServiceFacts: Sendable, Hashable {
    struct Port: Sendable, Hashable {
        /// Empty for the only port of a service.
        var name: String
        var transport: TransportProtocol
        var number: UInt16
        /// The port on the host's own addresses, if the service has one.
        var nodePort: UInt16?
    }

    /// Cluster, external and load balancer addresses.
    var addresses: [IPAddress]
    /// Those of them that are the cluster's own.
    var clusterAddresses: Set<IPAddress>
    /// By which families of addresses it is to be had.
    var families: [AddressFamily]
    var ports: [Port]
    /// For how many seconds a client stays with its endpoint (`sessionAffinity: ClientIP`); nil when it doesn't.
    var stickySeconds: UInt32?
    /// Whether clients in the cluster (`internalTrafficPolicy: Local`) and those outside (`externalTrafficPolicy: Local`) get only endpoints of
    /// the node by which they come.
    var isInternalLocal: Bool
    var isExternalLocal: Bool

    /// - Returns: nil for a headless or external-name service.
    init?(_ service: JSON) {
        guard let spec = service["spec"] else { return nil }
        let type = spec["type"]?.string ?? "ClusterIP"
        guard type != "ExternalName" else { return nil }
        var texts = spec["clusterIPs"]?.strings ?? []
        if texts.isEmpty, let only = spec["clusterIP"]?.string { texts = [only] }
        guard !texts.contains("None") else { return nil }
        clusterAddresses = Set(texts.compactMap { IPAddress($0) })
        isInternalLocal = spec["internalTrafficPolicy"]?.string == "Local"
        isExternalLocal = spec["externalTrafficPolicy"]?.string == "Local"
        texts += spec["externalIPs"]?.strings ?? []
        if type == "LoadBalancer" {
            let ingress = service[path: "status", "loadBalancer", "ingress"]?.elements ?? []
            texts += ingress.filter { $0["ipMode"]?.string != "Proxy" }.compactMap { $0["ip"]?.string }
        }
        let families = (spec["ipFamilies"]?.strings ?? []).compactMap { AddressFamily(rawValue: $0) }
        self.families =
            families.isEmpty ? (clusterAddresses.isEmpty ? [.v4] : Set(clusterAddresses.map(\.family)).sorted()) : families
        var seen = Set<IPAddress>()
        addresses = texts.compactMap { IPAddress($0) }.filter { seen.insert($0).inserted }
        ports = (spec["ports"]?.elements ?? []).compactMap { port in
            guard let transport = TransportProtocol(api: port["protocol"]?.string),
                let number = port["port"]?.int.flatMap(UInt16.init(exactly:)), number > 0
            else { return nil }
            let nodePort = port["nodePort"]?.int.flatMap(UInt16.init(exactly:)).flatMap { $0 > 0 ? $0 : nil }
            return Port(
                name: port["name"]?.string ?? "", transport: transport, number: number,
                nodePort: type == "ClusterIP" ? nil : nodePort)
        }
        if spec["sessionAffinity"]?.string == "ClientIP" {
            let seconds = spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"]?.int ?? 10_800
            stickySeconds = UInt32(min(max(seconds, 1), 86_400))
        }
    }
}
