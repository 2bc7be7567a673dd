import KubeObject

@testable import KubeNetwork

/// A cluster's state made of objects.
struct FakeDirectory: DNSDirectory {
    var namespaces: Set<String> = ["default", "kube-system"]
    var services: [JSON] = []
    var endpointSlices: [JSON] = []
    var revision: UInt64 = 42

    func hasNamespace(_ name: String) -> Bool { namespaces.contains(name) }

    func service(_ name: ServiceName) -> NamedService? {
        services.first { Self.name($0) == name }.flatMap { NamedService($0) }
    }

    func slices(of name: ServiceName) -> [SliceFacts] {
        endpointSlices.filter { Self.service(of: $0) == name }.compactMap { SliceFacts($0) }
    }

    func service(at address: IPAddress) -> ServiceName? {
        services.first { $0[path: "spec", "clusterIPs"]?.strings.contains(address.description) == true }.map(Self.name)
    }

    func endpoints(at address: IPAddress) -> [(service: ServiceName, endpoint: SliceFacts.Endpoint)] {
        endpointSlices.flatMap { slice in
            (SliceFacts(slice)?.endpoints ?? []).filter { $0.isReady && $0.address == address }.map {
                (Self.service(of: slice), $0)
            }
        }
    }

    private static func name(_ object: JSON) -> ServiceName {
        ServiceName(
            namespace: object[path: "metadata", "namespace"]?.string ?? "", name: object[path: "metadata", "name"]?.string ?? "")
    }

    private static func service(of slice: JSON) -> ServiceName {
        ServiceName(
            namespace: slice[path: "metadata", "namespace"]?.string ?? "",
            name: slice[path: "metadata", "labels", "kubernetes.io/service-name"]?.string ?? "")
    }

    /// A cluster with one service of each kind.
    static let example = FakeDirectory(
        services: [
            Objects.service("kubernetes", address: "10.96.0.1", ports: [["name": "https", "port": 443]]),
            Objects.service(
                "web", ports: [["name": "http", "port": 80], ["name": "dns", "port": 53, "protocol": "UDP"]]),
            Objects.service("db", address: "None"), Objects.service("empty", address: "None"),
            Objects.service("out", address: nil, extra: ["type": "ExternalName", "externalName": "www.example.com"]),
            Objects.service(
                "alias", address: nil, extra: ["type": "ExternalName", "externalName": "web.default.svc.cluster.local"]),
            Objects.service(
                "lost", address: nil, extra: ["type": "ExternalName", "externalName": "nothing.default.svc.cluster.local."]),
            Objects.service(
                "round", address: nil, extra: ["type": "ExternalName", "externalName": "round.default.svc.cluster.local"]),
            Objects.service("number", address: nil, extra: ["type": "ExternalName", "externalName": "198.51.100.4"]),
        ],
        endpointSlices: [
            Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.9")]),
            Objects.slice(of: "empty", endpoints: [Objects.endpoint("10.244.0.20", ready: false)]),
            Objects.slice(
                of: "db",
                endpoints: [
                    Objects.endpoint("10.244.0.10", hostname: "db-0"), Objects.endpoint("10.244.0.11", hostname: "db-1"),
                    Objects.endpoint("10.244.0.12"), Objects.endpoint("10.244.0.13", ready: false, hostname: "db-2"),
                ], ports: [["name": "sql", "port": 5432]]),
        ])
}
