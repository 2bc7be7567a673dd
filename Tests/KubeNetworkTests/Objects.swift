import KubeObject

@testable public import KubeNetwork

/// Objects as a client would have written them.
enum Objects {
    static func service(
        _ name: String, _ namespace: String = "default", address: String? = "10.96.0.50",
        ports: [JSON] = [["name": "http", "port": 80, "protocol": "TCP"]], extra: [String: JSON] = [:]
    ) -> JSON {
        var service: JSON = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "spec": ["ports": .array(ports), "type": "ClusterIP"],
        ]
        if let address {
            service[path: "spec", "clusterIP"] = .string(address)
            service[path: "spec", "clusterIPs"] = [.string(address)]
        }
        for (key, value) in extra { service[path: "spec", key] = value }
        return service
    }

    static func slice(
        of service: String, _ namespace: String = "default", suffix: String = "x", endpoints: [JSON],
        ports: [JSON] = [["name": "http", "port": 8080, "protocol": "TCP"]]
    ) -> JSON {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": [
                "name": .string("\(service)-\(suffix)"), "namespace": .string(namespace),
                "labels": ["kubernetes.io/service-name": .string(service)],
            ],
            "endpoints": .array(endpoints), "ports": .array(ports),
        ]
    }

    static func endpoint(
        _ address: String, ready: Bool? = true, serving: Bool? = nil, terminating: Bool? = nil, hostname: String? = nil
    ) -> JSON {
        var endpoint: JSON = ["addresses": [.string(address)]]
        if let ready { endpoint[path: "conditions", "ready"] = .bool(ready) }
        if let serving { endpoint[path: "conditions", "serving"] = .bool(serving) }
        if let terminating { endpoint[path: "conditions", "terminating"] = .bool(terminating) }
        if let hostname { endpoint["hostname"] = .string(hostname) }
        return endpoint
    }

    static func namespace(_ name: String) -> JSON {
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }
}

extension IPAddress: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value)! }
}
