import KubeObject
import Testing

@testable import KubeNetwork

struct ObstaclesTests {
    @Test func `another table's dropping chains are told of`() throws {
        let listing = try JSON(
            parsing: Array(
                """
                {"nftables": [{"metainfo": {"version": "1.0.6"}},
                 {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "prio": 0, "policy": "drop"}},
                 {"chain": {"family": "inet", "table": "fw", "name": "in", "hook": "input", "prio": 0, "policy": "drop"}},
                 {"chain": {"family": "ip6", "table": "filter", "name": "FORWARD", "hook": "forward", "prio": 0, "policy": "drop"}},
                 {"chain": {"family": "ip", "table": "filter", "name": "OUTPUT", "hook": "output", "prio": 0, "policy": "drop"}},
                 {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "prio": 0, "policy": "accept"}},
                 {"chain": {"family": "ip", "table": "filter", "name": "DOCKER"}},
                 {"chain": {"family": "inet", "table": "sampan_x", "name": "forward", "hook": "forward", "policy": "drop"}}]}
                """.utf8))
        let subnet = try #require(IPRange("10.244.0.0/16"))
        let walls = Obstacles.walls(in: listing, besides: TableName(instance: "x"), podSubnet: subnet)
        #expect(walls.count == 2)
        #expect(walls.first?.contains("nft insert rule ip filter FORWARD ip daddr 10.244.0.0/16 accept") == true)
        #expect(walls.last?.contains("inet fw") == true)
    }

    private let table = """
        Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
        eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
        veth1234	0B00FA0A	00000000	0005	0	0	0	FFFFFFFF	0	0	0
        cni0	0002F40A	00000000	0001	0	0	0	00FFFFFF	0	0	0
        eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
        """

    @Test func `routes into the pods' addresses are told of`() throws {
        let ranges = [try #require(IPRange("10.244.0.0/16")), try #require(IPRange("10.250.0.0/16"))]
        let routes = Obstacles.routes(in: table, overlapping: ranges)
        #expect(routes.count == 1)
        #expect(routes.first?.contains("10.244.2.0/24 by cni0") == true)
    }

    @Test func `a pod's cable is found by its route`() {
        #expect(HostRoutes.interface(to: "10.250.0.11", in: table)?.description == "veth1234")
        #expect(HostRoutes.interface(to: "10.244.2.0", in: table) == nil)
        #expect(HostRoutes.interface(to: "10.250.0.12", in: table) == nil)
    }

    @Test func `the pods that a table lets in are read back`() throws {
        let listing = try JSON(
            parsing: Array(
                """
                {"nftables": [{"metainfo": {}}, {"map": {"family": "inet", "name": "pods", "table": "sampan_x", "map": "mark",
                 "type": ["ifname", "ipv4_addr"], "handle": 2, "elem": [
                  [{"concat": ["veth1", "10.244.0.5"]}, 7], [{"concat": ["veth2", "10.244.0.6"]}, 4294967295],
                  [{"concat": ["veth 3", "10.244.0.6"]}, 1], [{"concat": ["veth4"]}, 1], [1, 2], "x"]}}]}
                """.utf8))
        #expect(
            NFTables.admittedPods(in: listing).map { "\($0.interface) \($0.address) \($0.mark)" } == [
                "veth1 10.244.0.5 7", "veth2 10.244.0.6 4294967295",
            ])
    }
}
