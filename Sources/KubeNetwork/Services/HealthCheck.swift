import KubeObject
import KubeRegistry

/// What a load balancer in front of the machine is told of a service that keeps to its node (`externalTrafficPolicy: Local`), at the service's
/// `healthCheckNodePort`: how many endpoints are here.
/// Source: https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#preserving-the-client-source-ip
struct HealthCheck: Sendable, Hashable {
    var cluster: Int64
    var service: ServiceName
    var port: UInt16
    var localEndpoints: Int

    /// - Parameter ports: those of the machine that services may have.
    /// - Returns: nil for a service without one.
    init?(
        _ tree: JSON, _ service: ServiceName, cluster: Int64, slices: [SliceFacts], nodes: MachineNodes?,
        ports: ClosedRange<UInt16>?
    ) {
        let spec = tree["spec"]
        guard spec?["type"]?.string == "LoadBalancer", spec?["externalTrafficPolicy"]?.string == "Local",
            let port = spec?["healthCheckNodePort"]?.int.flatMap(UInt16.init(exactly:)), ports?.contains(port) == true
        else { return nil }
        self.cluster = cluster
        self.service = service
        self.port = port
        let here = slices.flatMap(\.endpoints).filter { endpoint in
            endpoint.isReady && (nodes.map { $0.contains(endpoint.nodeName ?? "") } ?? true)
        }
        localEndpoints = Set(here.map(\.address)).count
    }

    /// As kube-proxy answers.
    var response: String {
        let body = """
            {
            \t"service": {
            \t\t"namespace": "\(service.namespace)",
            \t\t"name": "\(service.name)"
            \t},
            \t"localEndpoints": \(localEndpoints),
            \t"serviceProxyHealthy": true
            }
            """
        return [
            "HTTP/1.1 \(localEndpoints > 0 ? "200 OK" : "503 Service Unavailable")", "Content-Type: application/json",
            "X-Content-Type-Options: nosniff", "X-Load-Balancing-Endpoint-Weight: \(localEndpoints)",
            "Content-Length: \(body.utf8.count)", "Connection: close", "", body,
        ].joined(separator: "\r\n")
    }
}
