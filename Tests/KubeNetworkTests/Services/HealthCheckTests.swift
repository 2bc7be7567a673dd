import KubeObject
import KubeRegistry
import Testing

@testable import KubeNetwork

struct HealthCheckTests {
    private func check(_ change: (inout JSON) -> Void = { _ in }) -> HealthCheck? {
        var service = Objects.service(
            "web", extra: ["type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31_000])
        change(&service)
        var elsewhere = Objects.endpoint("10.244.0.7")
        elsewhere["nodeName"] = "far"
        var here = Objects.endpoint("10.244.0.5")
        here["nodeName"] = "box"
        var late = Objects.endpoint("10.244.0.6", ready: false)
        late["nodeName"] = "box"
        let slice = SliceFacts(Objects.slice(of: "web", endpoints: [here, elsewhere, late]))
        return HealthCheck(
            service, ServiceName(namespace: "default", name: "web"), cluster: 1, slices: [slice, slice].compactMap { $0 },
            nodes: MachineNodes(first: "box"), ports: 30_000...32_767)
    }

    @Test func `counts the ready endpoints that are here`() {
        #expect(check()?.localEndpoints == 1)
        #expect(check()?.port == 31_000)
    }

    @Test func `is for services that keep to their node, and for their ports only`() {
        #expect(check { $0[path: "spec", "externalTrafficPolicy"] = "Cluster" } == nil)
        #expect(check { $0[path: "spec", "type"] = "NodePort" } == nil)
        #expect(check { $0[path: "spec", "healthCheckNodePort"] = 22 } == nil)
        #expect(check { $0[path: "spec", "healthCheckNodePort"] = nil } == nil)
    }

    @Test func `answers as kube-proxy does`() {
        let said = check()?.response ?? ""
        #expect(said.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(said.contains("X-Load-Balancing-Endpoint-Weight: 1\r\n"))
        #expect(said.hasSuffix("\t\"localEndpoints\": 1,\n\t\"serviceProxyHealthy\": true\n}"))
        var none = check()
        none?.localEndpoints = 0
        #expect(none?.response.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n") == true)
    }
}
