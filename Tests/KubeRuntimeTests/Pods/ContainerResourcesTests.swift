import KubeObject
import Testing

@testable import KubeRuntime

struct ContainerResourcesTests {
    /// A sandbox has what its containers have together, and of what one of them may have without limit as much as there is.
    @Test(
        arguments: [
            ([[:], [:]], nil, nil),
            ([["memory": "32Mi"]], 96 << 20, nil),
            ([["memory": "32Mi", "cpu": "500m"], ["memory": "1Gi", "cpu": "1"]], (1024 + 32 + 64) << 20, 150_000),
            ([["memory": "32Mi"], ["cpu": "1m"]], nil, nil),
            ([["cpu": "1m"]], nil, 1000),
        ] as [([[String: String]], Int64?, Int64?)])
    func sandboxesHaveTheSumOfLimits(containers: [[String: String]], memory: Int64?, processor: Int64?) throws {
        let specs = containers.enumerated().map { index, limits -> JSON in
            ["name": .string("c\(index)"), "image": "x", "resources": ["limits": JSON(limits)]]
        }
        let object = try Draft([
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "default", "uid": "u"],
            "spec": ["containers": .array(specs)],
        ]).sealed(resourceVersion: 1)
        #expect(ContainerResources.sandbox(Pod(object)) == Cgroups.Limit(memory: memory, processor: processor))
    }

    @Test func pathsInTheAdapterAreWhatTheyAre() {
        let script = RunscAdapter.script(runsc: "/a'b/runsc", pending: "/var/lib/x y")
        #expect(script.contains(#"runsc='/a'\''b/runsc'"#))
        #expect(script.contains("pending='/var/lib/x y'"))
    }
}
