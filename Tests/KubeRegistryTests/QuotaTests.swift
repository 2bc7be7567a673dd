import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct QuotaTests {
    private func quota(_ fixture: Fixture, _ hard: String, used: JSON) async throws {
        try await fixture.create(
            "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: \(hard)}}")
        try await fixture.registry.mutate(
            try fixture.resource("resourcequotas"), namespace: "default", name: "q", subresource: "status", fixture.admin
        ) { $0["status"] = ["used": used] }
    }

    @Test func podsAtOnceNeverExceedTheQuota() async throws {
        try await withRegistry { fixture in
            try await quota(fixture, "{pods: '5'}", used: ["pods": "0"])
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let error = await refusal { try await fixture.create(pod("p\(index)")) }
                        if let error { #expect(error.code == 403, "\(error)") }
                        return error == nil
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 5)
            let error = await refusal { try await fixture.create(pod("more")) }
            #expect(
                error?.message
                    == "pods \"more\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5")
            #expect(try fixture.get("resourcequotas", "q")[path: "status", "used", "pods"] == "5")
        }
    }

    @Test func aQuotaOfRequestsWantsThemSaid() async throws {
        try await withRegistry { fixture in
            try await quota(fixture, "{requests.cpu: '1'}", used: ["requests.cpu": "0"])
            let error = await refusal { try await fixture.create(pod("silent")) }
            #expect(
                error?.message == "pods \"silent\" is forbidden: failed quota: q: must specify requests.cpu for: main")
            try await fixture.create(
                "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, default: {cpu: 600m}, max: {cpu: 700m}}]}}"
            )
            let created = try await fixture.create(pod("told"))
            #expect(
                created["spec"]?["containers"]?[0]?["resources"] == ["limits": ["cpu": "600m"], "requests": ["cpu": "600m"]])
            let second = await refusal { try await fixture.create(pod("second")) }
            #expect(
                second?.message
                    == "pods \"second\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1"
            )
            let large = await refusal {
                try await fixture.create(
                    "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: a, image: b, resources: {limits: {cpu: 2}}}]}}"
                )
            }
            #expect(large?.message.contains("maximum cpu usage per Container is 700m, but limit is 2") == true)
        }
    }

    @Test func aPodNeedsTheSumOrItsGreediestInitContainer() {
        let spec: JSON = [
            "containers": [["resources": ["requests": ["cpu": "1"]]], ["resources": ["requests": ["cpu": "500m"]]]],
            "initContainers": [["resources": ["requests": ["cpu": "3"]]]],
        ]
        #expect(PodUsage.total(of: ["spec": spec], "requests") == ["cpu": Quantity(3)])
    }
}
