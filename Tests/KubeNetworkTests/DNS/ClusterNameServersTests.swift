import KubeObject
import KubeStore
import NIOCore
import Testing

@testable import KubeNetwork

struct ClusterNameServersTests {
    private func servers(
        of addresses: [String], lists: NetworkAllowlists = NetworkAllowlists(), machine: Set<IPAddress>? = ["192.0.2.1"]
    )
        async throws -> [String]
    {
        let store = try TestStore()
        let cluster = try await store.cluster("a")
        try await cluster.put(
            Objects.service("names", address: "10.96.0.77", ports: [["name": "dns", "port": 53, "protocol": "UDP"]]))
        try await cluster.put(
            Objects.slice(
                of: "names",
                endpoints: ["10.244.0.5", "10.244.0.9", "127.0.0.1", "192.0.2.1"].map { Objects.endpoint($0) },
                ports: [["name": "dns", "port": 5353, "protocol": "UDP"]]))
        let stubs = JSON.object(["x.example": .array(addresses.map(JSON.string))])
        try await cluster.put([
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "kube-dns", "namespace": "kube-system"],
            "data": ["stubDomains": .string(String(decoding: stubs.encoded(), as: UTF8.self))],
        ])
        let names = ClusterNameServers(
            configuration: NetworkConfiguration(
                podSubnet: IPRange("10.244.0.0/16")!, serviceRange: IPRange("10.96.0.0/12")!, apiPort: 6443, dnsPort: 10053),
            addresses: { ["10.244.0.5": 1, "10.244.0.9": 2][$0] }, allowlists: { _ in lists }, machine: { machine })
        let name = try #require(DNSName("a.x.example"))
        let route = try #require(names.route(name, cluster: 1, snapshot: cluster.snapshot, transport: .udp))
        let other = try #require(DNSName("a.y.example"))
        #expect(names.route(other, cluster: 1, snapshot: cluster.snapshot, transport: .udp) == nil)
        // What was answered is kept for the same configuration, and for this cluster only.
        #expect(names.route(name, cluster: 1, snapshot: cluster.snapshot, transport: .udp)?.cache === route.cache)
        #expect(names.route(name, cluster: 2, snapshot: cluster.snapshot, transport: .udp)?.cache !== route.cache)
        await store.close()
        return route.servers.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" }
    }

    @Test func `asks the cluster's own pods and what is outside`() async throws {
        #expect(try await servers(of: ["10.244.0.5", "198.51.100.1:54"]) == ["10.244.0.5:53", "198.51.100.1:54"])
        #expect(try await servers(of: ["10.96.0.77"]) == ["10.244.0.5:5353"])
    }

    @Test(arguments: [
        "10.244.0.9", "10.244.0.1", "10.244.7.7", "10.96.0.10", "10.96.0.77:54", "192.0.2.1", "127.0.0.1", "127.1.2.3", "0.0.0.0",
        "224.0.0.251", "255.255.255.255", "169.254.169.254", "100.100.100.200",
    ])
    func `asks nobody else`(address: String) async throws {
        #expect(try await servers(of: [address]) == [])
    }

    @Test func `heeds allowlists, and asks nobody outside when it doesn't know who it is itself`() async throws {
        let lists = NetworkAllowlists([
            ("team", ["egress": [["cidrs": ["198.51.100.0/24"], "ports": [["port": 53, "protocol": "UDP"]]]]])
        ])
        #expect(try await servers(of: ["198.51.100.1", "198.51.100.1:54", "203.0.113.1"], lists: lists) == ["198.51.100.1:53"])
        #expect(try await servers(of: ["198.51.100.1", "10.244.0.5"], machine: nil) == ["10.244.0.5:53"])
    }
}
