import KubeObject
import Testing

@testable import KubeControllers

@Suite struct MachineNodeTests {
    private let machine: JSON = [
        "status": [
            "capacity": ["cpu": "8", "pods": "110"], "allocatable": ["cpu": "8", "pods": "110"],
            "addresses": [["type": "InternalIP", "address": "192.0.2.1"], ["type": "InternalIP", "address": "2001:db8::1"]],
            "nodeInfo": ["bootID": "new", "kernelVersion": "6.2"],
        ]
    ]

    @Test func whatOthersGaveItStays() {
        let before: JSON = [
            "capacity": ["cpu": "4", "example.com/dongle": "2"], "allocatable": ["cpu": "4", "pods": "110"],
            "addresses": [["type": "InternalIP", "address": "192.0.2.1"]], "nodeInfo": ["bootID": "old"],
            "conditions": [["type": "Ready", "status": "True"]],
        ]
        let right = MachineNodeReconciler.status(before, of: machine)
        #expect(right?["capacity"] == ["cpu": "8", "example.com/dongle": "2", "pods": "110"])
        #expect(right?[path: "allocatable", "cpu"] == "8")
        #expect(right?["addresses"] == machine[path: "status", "addresses"])
        #expect(right?["nodeInfo"] == ["bootID": "new", "kernelVersion": "6.2"])
        #expect(right?["conditions"] == before["conditions"])
        #expect(MachineNodeReconciler.status(right, of: machine) == nil)
    }

    @Test func aNodeThatWasAnotherMachineSaysWhatThisOneIs() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": "node-1"],
                    "status": ["capacity": ["cpu": "1"], "allocatable": ["cpu": "1"]],
                ], Resources.nodes, namespace: "")
            try await eventually {
                cluster.get(Resources.nodes, "node-1", namespace: "")?.tree[path: "status", "capacity", "cpu"] == "8"
            }
            // Others' nodes are theirs.
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": "elsewhere"],
                    "status": ["capacity": ["cpu": "1"], "allocatable": ["cpu": "1"]],
                ], Resources.nodes, namespace: "")
            #expect(cluster.get(Resources.nodes, "elsewhere", namespace: "")?.tree[path: "status", "capacity", "cpu"] == "1")
        }
    }
}
