import KubeObject
import KubeSchema
import Testing

@testable import KubeControllers

@Suite struct ServiceCIDRTests {
    private func networks(_ texts: [String]) throws -> [ServiceCIDRReconciler.Network] {
        try ServiceCIDRReconciler.networks(of: Samples.object(["kind": "ServiceCIDR", "spec": ["cidrs": JSON(texts)]]))
    }

    @Test(arguments: [
        (["10.0.0.0/24"], [], [], true),
        (["10.0.0.0/24"], [], ["10.0.1.1", "2001:db8::1"], true),
        (["10.0.0.0/24"], [], ["10.0.0.1"], false),
        (["10.0.0.0/24"], ["10.0.0.0/16"], ["10.0.0.1"], true),
        (["10.0.0.0/24"], ["10.0.0.0/24"], ["10.0.0.1"], true),
        (["10.0.0.0/24"], ["10.0.0.0/25"], ["10.0.0.1"], true),
        (["10.0.0.0/24"], ["10.0.0.0/25"], ["10.0.0.200"], false),
        (["10.0.0.0/24", "2001:db8::/64"], ["10.0.0.0/16"], ["2001:db8::7"], false),
        (["10.0.0.0/24", "2001:db8::/64"], ["10.0.0.0/16", "2001:db8::/32"], ["2001:db8::7"], true),
    ])
    func aRangeMayGo(own: [String], others: [String], addresses: [String], canGo: Bool) throws {
        #expect(ServiceCIDRReconciler.canGo(try networks(own), others: try networks(others), addresses: addresses) == canGo)
    }

    /// A server that has got a second family since: the cluster's own range, and only that one, gets it too.
    @Test func theFirstRangeGetsTheSecondFamily() async throws {
        let both = ["10.96.0.0/12", "fd00:10:96::/112"]
        try await Fixture.run(controllers: false) { cluster in
            @Sendable func ranges(_ name: String) -> [String]? {
                cluster.get(Resources.serviceCIDRs, name, namespace: "")?.tree[path: "spec", "cidrs"]?.strings
            }
            try await cluster.create(
                [
                    "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "more"],
                    "spec": ["cidrs": ["192.168.77.0/24"]],
                ], Resources.serviceCIDRs, namespace: "")
            #expect(ranges("kubernetes") == ["10.96.0.0/12"])
            try await cluster.withControllers(serviceRanges: both) { _ in
                try await eventually { ranges("kubernetes") == both }
            }
            #expect(ranges("more") == ["192.168.77.0/24"])
            let conditions = cluster.get(Resources.serviceCIDRs, "kubernetes", namespace: "")?.tree["status"]
            #expect(Condition.find("Ready", in: conditions)?.message == "Kubernetes default Service CIDR is ready")
        }
    }

    @Test func aRangeBecomesReadyAndStaysWhileItsAddressesWouldBeNobodys() async throws {
        try await Fixture.run { cluster in
            func condition() -> Condition? {
                Condition.find("Ready", in: cluster.get(Resources.serviceCIDRs, "more", namespace: "")?.tree["status"])
            }
            try await cluster.create(
                [
                    "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "more"],
                    "spec": ["cidrs": ["192.168.77.0/24"]],
                ], Resources.serviceCIDRs, namespace: "")
            try await eventually { condition()?.status == .true }
            #expect(condition()?.message == "Kubernetes Service CIDR is ready")
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
                    "spec": ["clusterIP": "192.168.77.9", "ports": [["port": 80]]],
                ], Resources.services)
            try await cluster.delete(Resources.serviceCIDRs, "more", namespace: "")
            try await eventually { condition()?.status == .false }
            #expect(condition()?.reason == "Terminating")
            #expect(
                cluster.get(Resources.serviceCIDRs, "more", namespace: "")?.metadata.finalizers == [
                    ServiceCIDRReconciler.finalizer
                ])
        }
    }
}
