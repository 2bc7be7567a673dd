import KubeObject
import Testing

@testable import KubeNetwork

/// Which elements stand for services with addresses of both families, and of one where pods have both.
struct ServiceFamiliesTests {
    private static let slices: [SliceFacts] = {
        func slice(_ family: JSON, _ address: String) -> JSON {
            var slice = Objects.slice(of: "web", endpoints: [Objects.endpoint(address)])
            slice["addressType"] = family
            return slice
        }
        return [slice("IPv4", "10.244.0.9"), slice("IPv6", "fd00:10:244::9")].compactMap { SliceFacts($0) }
    }()

    private func elements(
        _ addresses: [JSON], _ families: JSON, families own: [AddressFamily] = [.v4, .v6], slices: [SliceFacts] = slices,
        holds: Bool = false, extra: [String: JSON] = [:]
    ) throws -> Set<String> {
        let object = Objects.service(
            "web", address: addresses[0].string, ports: [["name": "http", "port": 80, "nodePort": 30080]],
            extra: extra.merging(["type": "NodePort", "clusterIPs": .array(addresses), "ipFamilies": families]) { $1 })
        let elements = ServiceElements.of(
            try #require(ServiceFacts(object)), slices: slices, mark: ClusterMark(number: 7), nodePorts: 30_000...32_767,
            families: own, holds: holds
        ) { StickyNumber($1 == .v4 ? 4 : 6) }
        return Set(elements.map { "\($0.key.set.name($0.key.family)) \($0.text)" })
    }

    @Test func `each family has addresses, endpoints and chains of its own`() throws {
        #expect(
            try elements(["10.96.0.5", "fd00:10:96::5"], ["IPv4", "IPv6"]) == [
                "services 7 . 10.96.0.5 . tcp . 80 : goto spread_1",
                "endpoints 7 . 10.96.0.5 . tcp . 80 . 0:0 : 10.244.0.9 . 8080",
                "services6 7 . fd00:10:96::5 . tcp . 80 : goto spread6_1",
                "endpoints6 7 . fd00:10:96::5 . tcp . 80 . 0:0 : fd00:10:244::9 . 8080",
                "node_ports tcp . 30080 : goto node_spread_1", "node_endpoints tcp . 30080 . 0:0 : 10.244.0.9 . 8080",
                "node_ports6 tcp . 30080 : goto node_spread6_1", "node_endpoints6 tcp . 30080 . 0:0 : fd00:10:244::9 . 8080",
            ])
    }

    @Test func `a port of the host is one service's by addresses of both families`() throws {
        let four = try elements(["10.96.0.5"], ["IPv4"])
        #expect(four.contains("node_ports6 tcp . 30080 : return") && !four.contains { $0.hasPrefix("services6") })
        let six = try elements(["fd00:10:96::5"], ["IPv6"])
        #expect(six.contains("node_ports tcp . 30080 : return") && !six.contains { $0.hasPrefix("services ") })
    }

    @Test func `where pods have no IPv6, nothing of it is in the kernel`() throws {
        let all = try elements(["10.96.0.5", "fd00:10:96::5"], ["IPv4", "IPv6"], families: [.v4])
        #expect(all.count == 4 && !all.contains { $0.contains("fd00") || $0.contains("6 ") && $0.contains("services6") })
    }

    @Test func `clients stay with an endpoint of the family by which they come`() throws {
        let all = try elements(["10.96.0.5", "fd00:10:96::5"], ["IPv4", "IPv6"], extra: ["sessionAffinity": "ClientIP"])
        #expect(all.contains("sticky_ports 7 . 10.96.0.5 . tcp . 80 : \(StickyNumber(4))"))
        #expect(all.contains("sticky_ports6 7 . fd00:10:96::5 . tcp . 80 : \(StickyNumber(6))"))
        #expect(all.contains { $0.hasPrefix("sticky_endpoints6 ") && $0.hasSuffix("fd00:10:244::9 . 8080") })
        #expect(all.contains { $0.hasPrefix("node_sticky_endpoints6 tcp . 30080 . ") })
    }

    @Test func `connections are held by the families that the service has`() throws {
        #expect(
            try elements(["10.96.0.5", "fd00:10:96::5"], ["IPv4", "IPv6"], slices: [], holds: true)
                == ["node_ports tcp . 30080 : goto hold", "node_ports6 tcp . 30080 : goto hold"])
        #expect(
            try elements(["10.96.0.5"], ["IPv4"], slices: [], holds: true)
                == ["node_ports tcp . 30080 : goto hold", "node_ports6 tcp . 30080 : return"])
    }

    @Test func `a slice whose addresses are of another family than it says has none`() {
        var slice = Objects.slice(of: "web", endpoints: [Objects.endpoint("fd00::1")])
        #expect(SliceFacts(slice)?.endpoints.isEmpty == true)
        slice["addressType"] = "FQDN"
        #expect(SliceFacts(slice) == nil)
    }
}
