import KubeObject
import Testing

@testable import KubeRuntime

struct ContainerResourcesTests {
    private func pod(_ spec: JSON, qosClass: String = "Burstable") throws -> Pod {
        Pod(
            try Draft([
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "default", "uid": "u"],
                "spec": spec, "status": ["qosClass": .string(qosClass)],
            ]).sealed(resourceVersion: 1))
    }

    private func containers(_ resources: [JSON]) -> JSON {
        .array(resources.enumerated().map { ["name": .string("c\($0)"), "image": "x", "resources": $1] })
    }

    /// A pod has what its containers have together, and of what one of them may have without limit as much as there is.
    @Test(
        arguments: [
            ([[:], [:]], nil, nil),
            ([["memory": "32Mi"]], 32 << 20, nil),
            ([["memory": "32Mi", "cpu": "500m"], ["memory": "1Gi", "cpu": "1"]], (1024 + 32) << 20, 150_000),
            ([["memory": "32Mi"], ["cpu": "1m"]], nil, nil),
            ([["memory": "32Mi"], ["memory": "0"]], nil, nil),
            ([["cpu": "1m"]], nil, 1000),
        ] as [([[String: String]], Int64?, Int64?)])
    func podsHaveTheSumOfLimits(limits: [[String: String]], memory: Int64?, processor: Int64?) throws {
        let pod = try pod(["containers": containers(limits.map { ["limits": JSON($0)] })])
        var expected = Cgroups.Limit(weight: 2, memory: memory, processor: processor)
        #expect(ContainerResources.group(pod, isSandboxed: false) == expected)
        expected.memory = memory.map { $0 + (64 << 20) }
        #expect(ContainerResources.group(pod, isSandboxed: true) == expected)
    }

    @Test func requestsAreAPodsWeight() throws {
        let requests: [JSON] = [["requests": ["cpu": "250m"]], ["requests": ["cpu": "750m"]], [:]]
        #expect(ContainerResources.group(try pod(["containers": containers(requests)]), isSandboxed: false).weight == 1024)
        let idle = try pod(["containers": containers([[:]])], qosClass: "BestEffort")
        #expect(ContainerResources.group(idle, isSandboxed: false) == Cgroups.Limit(weight: 2))
    }

    @Test func initContainersCountAsTheyRun() throws {
        let own: [JSON] = [["limits": ["memory": "32Mi"]]]
        var spec: JSON = ["containers": containers(own), "initContainers": containers([["limits": ["memory": "64Mi"]]])]
        #expect(ContainerResources.group(try pod(spec), isSandboxed: false).memory == 64 << 20)
        spec["initContainers"] = containers([[:]])
        #expect(ContainerResources.group(try pod(spec), isSandboxed: false).memory == nil)
    }

    @Test func whatAPodHasAsAWholeHoldsForItsContainers() throws {
        let pod = try pod([
            "containers": containers([[:], ["limits": ["memory": "8Mi"]]]),
            "resources": ["limits": ["memory": "32Mi", "cpu": "200m"], "requests": ["cpu": "100m"]],
        ])
        #expect(
            ContainerResources.group(pod, isSandboxed: false)
                == Cgroups.Limit(weight: 102, memory: 32 << 20, processor: 20_000))
        let resources = pod.containers.map { ContainerResources.linux($0, pod: pod, nodeMemory: 1 << 30, cgroups: .v1) }
        #expect(resources.map(\.memoryLimitInBytes) == [32 << 20, 8 << 20])
        #expect(resources.map(\.cpuQuota) == [20_000, 20_000])
        #expect(resources.map(\.cpuShares) == [2, 2])
    }

    @Test func aLimitThatGrowsOrShrinksIsTheLargerOneMeanwhile() {
        let before = Cgroups.Limit(weight: 10, memory: 5, processor: nil, processes: 3)
        let after = Cgroups.Limit(weight: 5, memory: 6, processor: 1, processes: 3)
        #expect(before.union(after) == Cgroups.Limit(weight: 10, memory: 6, processor: nil, processes: 3))
    }

    @Test func aPodKeepsWhatItUses() {
        #expect(PodResizing.obstacle(toLimit: 10, from: 20, used: 10) == nil)
        #expect(PodResizing.obstacle(toLimit: 10, from: 20, used: 11)?.contains("pod memory limit (10)") == true)
        #expect(PodResizing.obstacle(toLimit: 20, from: 10, used: 30) == nil)
        #expect(PodResizing.obstacle(toLimit: nil, from: 10, used: 30) == nil)
        #expect(PodResizing.obstacle(toLimit: 10, from: nil, used: 11) != nil)
    }

    @Test func pathsInTheAdapterAreWhatTheyAre() {
        let script = RunscAdapter.script(runsc: "/a'b/runsc", pending: "/var/lib/x y")
        #expect(script.contains(#"runsc='/a'\''b/runsc'"#))
        #expect(script.contains("pending='/var/lib/x y'"))
    }
}
