import KubeObject
import Testing

@testable import KubeControllers

@Suite struct QuotaStatusTests {
    func quota(_ hard: JSON, _ spec: JSON = [:]) throws -> Object {
        var spec = spec
        spec["hard"] = hard
        return try Samples.object(["kind": "ResourceQuota", "metadata": ["name": "q", "namespace": "default"], "spec": spec])
    }

    func pod(_ name: String, cpu: String, memory: String, phase: String = "Running") throws -> Object {
        try Samples.pod(name, phase: phase) {
            $0[path: "spec", "containers"] = [
                ["name": "a", "resources": ["requests": ["cpu": .string(cpu)], "limits": ["memory": .string(memory)]]]
            ]
        }
    }

    func used(_ quota: Object, _ contents: [(resource: GroupResource, objects: [Object])]) -> JSON? {
        QuotaStatus.make(quota, contents: contents, now: Samples.now)["used"]
    }

    let pods = GroupResource(group: "", resource: "pods")

    @Test func podsAreAddedUp() throws {
        let quota = try quota([
            "pods": "5", "cpu": "2", "requests.cpu": "2", "limits.memory": "1Gi", "count/pods": "9",
            "count/deployments.apps": "3",
        ])
        let objects = try [
            pod("a", cpu: "500m", memory: "128Mi"), pod("b", cpu: "1", memory: "64Mi"),
            pod("c", cpu: "9", memory: "9Gi", phase: "Succeeded"),
        ]
        #expect(
            used(quota, [(pods, objects)]) == [
                "pods": "2", "cpu": "1500m", "requests.cpu": "1500m", "limits.memory": "192Mi", "count/pods": "3",
                "count/deployments.apps": "0",
            ])
        #expect(QuotaStatus.counted(by: quota) == [pods, GroupResource(group: "apps", resource: "deployments")])
    }

    @Test func scopesChoose() throws {
        let objects = try [pod("a", cpu: "1", memory: "1Mi"), Samples.pod("best")]
        #expect(try used(quota(["pods": "5"], ["scopes": ["BestEffort"]]), [(pods, objects)]) == ["pods": "1"])
        #expect(try used(quota(["pods": "5"], ["scopes": ["NotBestEffort"]]), [(pods, objects)]) == ["pods": "1"])
        #expect(try used(quota(["pods": "5"], ["scopes": ["Terminating"]]), [(pods, objects)]) == ["pods": "0"])
    }
}
