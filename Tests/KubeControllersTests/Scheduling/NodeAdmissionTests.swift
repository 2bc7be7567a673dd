import KubeObject
import KubeRegistry
import Testing

@testable import KubeControllers

@Suite struct NodeAdmissionTests {
    private func rejection(_ spec: JSON, running: [JSON] = [], taints: JSON = []) throws -> NodeAdmission.Rejection? {
        let node = try Samples.object([
            "kind": "Node", "metadata": ["name": "n", "labels": ["zone": "a"]], "spec": ["taints": taints],
            "status": ["allocatable": ["cpu": "2", "memory": "1Gi", "pods": "3"]],
        ])
        func pod(_ spec: JSON) throws -> Object { try Samples.object(["kind": "Pod", "metadata": ["name": "p"], "spec": spec]) }
        return NodeFilter(node: node).rejection(try pod(spec), running: try running.map(pod))
    }

    private func port(_ number: Int64, address: String = "") -> JSON {
        ["containers": [["name": "a", "ports": [["containerPort": 80, "hostPort": .int(number), "hostIP": .string(address)]]]]]
    }

    private func requesting(_ cpu: String) -> JSON {
        ["containers": [["name": "a", "resources": ["requests": ["cpu": .string(cpu)]]]]]
    }

    @Test func portsAreTakenOnce() throws {
        #expect(try rejection(port(80)) == nil)
        #expect(try rejection(port(80), running: [port(81)]) == nil)
        #expect(try rejection(port(80, address: "127.0.0.1"), running: [port(80, address: "127.0.0.2")]) == nil)
        let conflict = try rejection(port(80), running: [port(80)])
        #expect(conflict?.reason == "NodePorts")
        #expect(
            conflict?.message
                == "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
    }

    @Test func resourcesAreWhatTheNodeHas() throws {
        #expect(try rejection(requesting("1"), running: [requesting("1")]) == nil)
        let shortage = try rejection(requesting("1500m"), running: [requesting("1")])
        #expect(shortage?.reason == "OutOfcpu")
        #expect(shortage?.message == "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000")
        #expect(try rejection([:], running: [[:], [:], [:]])?.reason == "OutOfpods")
    }

    /// Two processors, of which others have what they were given, whatever they ask for.
    @Test func aResizeWaitsOrCannotBe() throws {
        let node = try Samples.object([
            "kind": "Node", "metadata": ["name": "n"],
            "status": ["allocatable": ["cpu": "2", "memory": "1Gi", "pods": "3"]],
        ])
        func pod(_ asked: String, given: String? = nil, reason: String = "") throws -> Object {
            var tree: JSON = ["kind": "Pod", "metadata": ["name": "p"], "spec": requesting(asked)]
            if let given {
                tree["status"] = [
                    "containerStatuses": [["name": "a", "allocatedResources": ["cpu": .string(given)]]],
                    "conditions": [["type": "PodResizePending", "reason": .string(reason)]],
                ]
            }
            return try Samples.object(tree)
        }
        func obstacle(_ asked: String, _ other: Object) -> NodeAdmission.Rejection? {
            (try? pod(asked)).flatMap { NodeFilter(node: node).resizeObstacle($0) { [other] } }
        }
        #expect(obstacle("1500m", try pod("1900m", given: "500m")) == nil)
        #expect(
            obstacle("1500m", try pod("500m", given: "600m"))
                == .init(
                    reason: "Deferred",
                    message: "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000"))
        #expect(
            obstacle("3", try pod("0"))
                == .init(reason: "Infeasible", message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"))
        // What another was promised counts, though it doesn't show that yet.
        let other = try pod("1500m", given: "500m")
        let asking = try pod("1")
        #expect(NodeFilter(node: node).resizeObstacle(asking) { [other] } == nil)
        let waiting = NodeFilter(node: node).resizeObstacle(asking, resized: { _ in other.tree }, running: { [other] })
        #expect(waiting?.reason == "Deferred")
        #expect(NodeFilter(node: node).rejection(asking, running: [other], resized: { _ in other.tree })?.reason == "OutOfcpu")
        // For a new pod there is what nobody has, and nobody waits for.
        #expect(PodResources.reserved(of: try pod("1", given: "500m").tree)["cpu"] == 1000)
        #expect(PodResources.reserved(of: try pod("200m", given: "500m").tree)["cpu"] == 500)
        #expect(PodResources.reserved(of: try pod("9", given: "500m", reason: "Infeasible").tree)["cpu"] == 500)
    }

    @Test(
        arguments: [
            ("net.ipv4.tcp_syncookies", [:], nil),
            ("net/ipv4/tcp_syncookies", [:], nil),
            ("kernel.shm_rmid_forced", ["hostNetwork": true], nil),
            ("kernel.msgmax", [:], "\"kernel.msgmax\" not allowlisted"),
            ("net.ipv4.tcp_rmem", ["hostNetwork": true], "\"net.ipv4.tcp_rmem\" not allowed with host net enabled"),
            ("kernel.shm_rmid_forced", ["hostIPC": true], "\"kernel.shm_rmid_forced\" not allowed with host ipc enabled"),
        ] as [(String, JSON, String?)])
    func onlyHarmlessSysctlsAreTaken(_ name: String, _ spec: JSON, _ why: String?) throws {
        var spec = spec
        spec["securityContext"] = ["sysctls": [["name": .string(name), "value": "1"]]]
        let rejection = try rejection(spec)
        #expect(rejection?.message == why.map { "forbidden sysctl: \($0)" })
        #expect(rejection?.reason == why.map { _ in "SysctlForbidden" })
    }

    @Test func selectorsAndTaintsCount() throws {
        #expect(try rejection(["nodeSelector": ["zone": "a"]]) == nil)
        #expect(try rejection(["nodeSelector": ["zone": "b"]])?.reason == "NodeAffinity")
        let taints: JSON = [["key": "k", "effect": "NoExecute"]]
        #expect(try rejection([:], taints: taints)?.reason == "TaintToleration")
        #expect(try rejection(["tolerations": [["operator": "Exists"]]], taints: taints) == nil)
        #expect(try rejection([:], taints: [["key": "k", "effect": "NoSchedule"]]) == nil)
    }

    @Test(
        arguments: [
            (["cpu": "2", "example.com/foo": "5"], ["cpu": "1"], ["cpu": "1", "example.com/foo": "5"]),
            (["example.com/foo": "5"], ["example.com/foo": "4"], ["example.com/foo": "5"]),
            (["cpu": "2"], ["cpu": "1", "example.com/foo": "5"], ["cpu": "1"]),
            (["cpu": "2", "hugepages-2Mi": "0", "a.kubernetes.io/b": "1"], ["cpu": "1"], nil),
            ([:], [:], nil),
        ] as [(JSON, JSON, JSON?)])
    func whatANodeHasIsAllocatable(_ capacity: JSON, _ allocatable: JSON, _ right: JSON?) {
        #expect(NodeAllocatableReconciler.allocatable(["capacity": capacity, "allocatable": allocatable]) == right)
    }

    @Test func aPodCanHaveWhatANodeWasGiven() async throws {
        try await Fixture.run { cluster in
            let wants: JSON = [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "wants"],
                "spec": [
                    "containers": [
                        [
                            "name": "a", "image": "a",
                            "resources": ["requests": ["example.com/foo": "2"], "limits": ["example.com/foo": "2"]],
                        ]
                    ]
                ],
            ]
            try await cluster.create(wants, Resources.pods)
            try await eventually { cluster.get(Resources.nodes, "node-1", namespace: "") != nil }
            try await cluster.change(Resources.nodes, "node-1", namespace: "", subresource: "status") {
                $0[path: "status", "capacity", "example.com/foo"] = "5"
            }
            try await eventually { cluster.get(Resources.pods, "wants").map { PodState($0).isReady } ?? false }
        }
    }
}
