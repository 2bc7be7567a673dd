import KubeObject
import Testing

@testable import KubeRuntime

struct PodTotalsTests {
    private func pod(_ yaml: String) throws -> Pod {
        let tree: JSON = ["metadata": ["name": "p"], "spec": try #require(try YAML.parse(Array(yaml.utf8)).first)]
        return Pod(tree: tree, metadata: try Metadata(of: tree))
    }

    @Test(arguments: [
        // What all containers ask for, and only the limits that hold the pod.
        (
            "{containers: [{name: a, resources: {requests: {cpu: 100m, memory: 10M}, limits: {memory: 20M}}}, {name: b, resources: {requests: {cpu: 1}, limits: {memory: 1Mi, cpu: 2}}}]}",
            ["cpu": "1100m", "memory": "10M"], ["memory": "21048576"]
        ),
        // An initial container that asks for more, beside the sidecars before it.
        (
            "{initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}, {name: i, resources: {requests: {cpu: 2}}}], containers: [{name: a, resources: {requests: {cpu: 500m}}}]}",
            ["cpu": "3"], [:]
        ),
        // What is said of the pod counts; the rest is its containers'.
        (
            "{resources: {requests: {cpu: 300m}, limits: {cpu: 500m}}, containers: [{name: a, resources: {requests: {cpu: 100m, memory: 1Mi}, limits: {memory: 2Mi}}}]}",
            ["cpu": "300m", "memory": "1Mi"], ["cpu": "500m", "memory": "2Mi"]
        ),
        ("{containers: [{name: a}]}", [:], [:]),
    ])
    func aPodIsItsContainersUnlessItSaysOtherwise(_ yaml: String, _ requests: [String: String], _ limits: [String: String]) throws
    {
        let pod = try pod(yaml)
        #expect(PodTotals.requests(of: pod) == JSON(requests))
        #expect(PodTotals.limits(of: pod) == JSON(limits))
    }
}
