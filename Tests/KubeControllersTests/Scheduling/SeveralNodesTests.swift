import KubeObject
import Testing

@testable import KubeControllers

@Suite struct SeveralNodesTests {
    private func node(_ number: Int, zone: String = "a", _ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        var tree: JSON = [
            "kind": "Node",
            "metadata": [
                "name": .string("n\(number)"),
                "labels": ["kubernetes.io/hostname": .string("n\(number)"), "zone": .string(zone)],
            ],
            "status": ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"]],
        ]
        change(&tree)
        return try Samples.object(tree)
    }

    private func pod(
        _ name: String, on node: String = "", cpu: String? = nil, priority: Int64 = 0, _ change: (inout JSON) -> Void = { _ in }
    ) throws -> Object {
        try Samples.pod(name, owner: nil, phase: node.isEmpty ? "Pending" : "Running", readyFor: nil, node: node) {
            if node.isEmpty { $0[path: "spec", "nodeName"] = nil }
            $0[path: "spec", "priority"] = .int(priority)
            if let cpu { $0[path: "spec", "containers"] = [["name": "a", "resources": ["requests": ["cpu": .string(cpu)]]]] }
            change(&$0)
        }
    }

    private func term(_ key: String) -> JSON { ["topologyKey": .string(key), "labelSelector": ["matchLabels": ["app": "web"]]] }

    private func required(_ kind: String, _ key: String) -> (inout JSON) -> Void {
        { [term] in
            $0[path: "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"] = [term(key)]
        }
    }

    private func message(_ decision: SchedulingDecision) -> String? {
        if case .unschedulable(let message, _, _) = decision { message } else { nil }
    }

    @Test func aPodGoesWhereThereIsRoomAndMost() throws {
        let nodes = try [node(1), node(2), node(3)]
        let pods = try [pod("a", on: "n1", cpu: "1500m"), pod("b", on: "n2", cpu: "500m"), pod("c", on: "n3", cpu: "1")]
        #expect(try SchedulingDecision(pod("new", cpu: "200m"), nodes: nodes, pods: pods) == .bind(node: "n2"))
        #expect(try SchedulingDecision(pod("new", cpu: "1500m"), nodes: nodes, pods: pods) == .bind(node: "n2"))
        #expect(try SchedulingDecision(pod("new"), nodes: nodes, pods: []) == .bind(node: "n1"))
    }

    @Test func siblingsAreSpread() throws {
        let nodes = try [node(1), node(2)]
        let owned: (inout JSON) -> Void = {
            $0[path: "metadata", "ownerReferences"] = [["kind": "ReplicaSet", "name": "rs", "uid": "rs", "controller": true]]
        }
        let sibling = try pod("a", on: "n1", owned)
        #expect(try SchedulingDecision(pod("b", owned), nodes: nodes, pods: [sibling]) == .bind(node: "n2"))
    }

    @Test func reasonsAreCountedByNode() throws {
        let cordoned = try node(2) { $0[path: "spec", "unschedulable"] = true }
        let pods = try [pod("a", on: "n1", cpu: "2"), pod("b", on: "n3", cpu: "2")]
        #expect(
            try message(SchedulingDecision(pod("new", cpu: "1"), nodes: [node(1), cordoned, node(3)], pods: pods))
                == "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. no new claims to deallocate, "
                + "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
                + "2 No preemption victims found for incoming pod.")
    }

    @Test func affinityLooksAtPlacesNotAtNodes() throws {
        let nodes = try [node(1), node(2), node(3, zone: "b")]
        let web = try pod("web", on: "n1")
        #expect(
            try SchedulingDecision(pod("x", required("podAffinity", "kubernetes.io/hostname")), nodes: nodes, pods: [web])
                == .bind(node: "n1"))
        let full = try pod("full", on: "n1", cpu: "2") { $0[path: "metadata", "labels"] = [:] }
        #expect(
            try SchedulingDecision(pod("x", cpu: "1", required("podAffinity", "zone")), nodes: nodes, pods: [web, full])
                == .bind(node: "n2"))
        #expect(
            try SchedulingDecision(pod("x", required("podAntiAffinity", "zone")), nodes: nodes, pods: [web]) == .bind(node: "n3"))
        #expect(
            try SchedulingDecision(pod("x", required("podAntiAffinity", "kubernetes.io/hostname")), nodes: nodes, pods: [web])
                == .bind(node: "n2"))
        // Whoever is there may mind, too.
        let shy = try pod("shy", on: "n1", required("podAntiAffinity", "zone"))
        #expect(try SchedulingDecision(pod("x"), nodes: nodes, pods: [shy]) == .bind(node: "n3"))
        #expect(
            try message(SchedulingDecision(pod("x"), nodes: [nodes[0], nodes[1]], pods: [shy]))?
                .hasPrefix("0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.") == true)
        // The first of a group may go anywhere, the second may not.
        let stranger: (inout JSON) -> Void = { [required] in
            required("podAffinity", "kubernetes.io/hostname")(&$0)
            $0[path: "spec", "nodeSelector"] = ["kubernetes.io/hostname": "n2"]
        }
        #expect(try SchedulingDecision(pod("x", stranger), nodes: nodes, pods: []) == .bind(node: "n2"))
        #expect(
            try message(SchedulingDecision(pod("x", stranger), nodes: nodes, pods: [web]))?
                .contains("1 node(s) didn't match pod affinity rules, 2 node(s) didn't match Pod's node affinity/selector")
                == true)
    }

    @Test func preferencesDecideAmongThoseThatFit() throws {
        let nodes = try [node(1), node(2, zone: "b")]
        let there = try pod("x") {
            $0[path: "spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"] = [
                ["weight": 10, "preference": ["matchExpressions": [["key": "zone", "operator": "In", "values": ["b"]]]]]
            ]
        }
        #expect(SchedulingDecision(there, nodes: nodes, pods: []) == .bind(node: "n2"))
        let apart = try pod("x") { [term] in
            $0[path: "spec", "affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution"] = [
                ["weight": 10, "podAffinityTerm": term("zone")]
            ]
        }
        #expect(try SchedulingDecision(apart, nodes: nodes, pods: [pod("web", on: "n1")]) == .bind(node: "n2"))
        let tainted = try node(1) { $0[path: "spec", "taints"] = [["key": "old", "effect": "PreferNoSchedule"]] }
        #expect(try SchedulingDecision(pod("x"), nodes: [tainted, node(2)], pods: []) == .bind(node: "n2"))
        let soft = try pod("x") { [term] in
            var constraint = term("kubernetes.io/hostname")
            constraint["maxSkew"] = 1
            constraint["whenUnsatisfiable"] = "ScheduleAnyway"
            $0[path: "spec", "topologySpreadConstraints"] = [constraint]
        }
        #expect(try SchedulingDecision(soft, nodes: nodes, pods: [pod("web", on: "n1")]) == .bind(node: "n2"))
    }

    @Test func spreadIsKept() throws {
        let nodes = try [node(1), node(2), node(3, zone: "b")]
        func spread(_ key: String, _ more: JSON = [:]) throws -> Object {
            try pod("x") { [term] in
                var constraint = term(key)
                constraint["maxSkew"] = 1
                for (name, value) in more.object ?? [:] { constraint[name] = value }
                $0[path: "spec", "topologySpreadConstraints"] = [constraint]
            }
        }
        let pods = try [pod("a", on: "n1"), pod("b", on: "n2")]
        #expect(try SchedulingDecision(spread("zone"), nodes: nodes, pods: pods) == .bind(node: "n3"))
        #expect(try SchedulingDecision(spread("kubernetes.io/hostname"), nodes: nodes, pods: pods) == .bind(node: "n3"))
        let cordoned = try node(3, zone: "b") { $0[path: "spec", "taints"] = [["key": "k", "effect": "NoSchedule"]] }
        // A node that nothing can go to counts, unless the constraint says otherwise.
        #expect(try message(SchedulingDecision(spread("zone"), nodes: [nodes[0], nodes[1], cordoned], pods: pods)) != nil)
        #expect(
            try SchedulingDecision(
                spread("zone", ["nodeTaintsPolicy": "Honor"]), nodes: [nodes[0], nodes[1], cordoned], pods: pods)
                == .bind(node: "n1"))
        #expect(
            try message(SchedulingDecision(spread("zone", ["minDomains": 3]), nodes: nodes, pods: pods + [pod("c", on: "n3")]))
                != nil)
    }

    @Test func roomIsMadeWhereItCostsLeast() throws {
        let nodes = try [node(1), node(2), node(3)]
        let pods = try [
            pod("a", on: "n1", cpu: "2", priority: 5), pod("b", on: "n2", cpu: "2", priority: 3),
            pod("c1", on: "n3", cpu: "1", priority: 3), pod("c2", on: "n3", cpu: "1", priority: 1),
        ]
        #expect(
            try SchedulingDecision(pod("x", cpu: "1", priority: 9), nodes: nodes, pods: pods)
                == .unschedulable(message: "0/3 nodes are available: 3 Insufficient cpu.", victims: ["uid-c2"], on: "n3"))
        // While the victims go, nobody else has to.
        let going = try pod("c2", on: "n3", cpu: "1", priority: 1) {
            $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1))
        }
        let nominated = try pod("x", cpu: "1", priority: 9) { $0[path: "status", "nominatedNodeName"] = "n3" }
        #expect(
            SchedulingDecision(nominated, nodes: nodes, pods: pods.dropLast() + [going])
                == .unschedulable(
                    message: "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, "
                        + "preemption: not eligible due to a terminating pod on the nominated node.", on: "n3"))
    }

    /// What upstream's suite wants to see: SchedulerPreemption PreemptionExecutionPath runs ReplicaSets to verify preemption running path.
    @Test func roomThatIsMadeIsKeptFromThoseThatAreLessImportant() throws {
        let nodes = try [node(1)]
        func waiting(_ name: String, priority: Int64, age: Double = 60) throws -> Object {
            try pod(name, cpu: "2", priority: priority) {
                $0[path: "metadata", "creationTimestamp"] = .string(Samples.ago(age))
                $0[path: "status", "nominatedNodeName"] = "n1"
            }
        }
        let promised = try waiting("promised", priority: 5)
        // Nothing is on the node any more.
        #expect(SchedulingDecision(promised, nodes: nodes, pods: [promised]) == .bind(node: "n1"))
        #expect(try SchedulingDecision(pod("more", cpu: "1", priority: 6), nodes: nodes, pods: [promised]) == .bind(node: "n1"))
        for priority in [Int64(1), 5] {
            let other = try pod("x", cpu: "1", priority: priority)
            #expect(
                message(SchedulingDecision(other, nodes: nodes, pods: [promised]))
                    == "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
                    + "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")
        }
        // Nobody goes for a pod that wouldn't get the room.
        let small = try pod("small", on: "n1", cpu: "1", priority: 1)
        #expect(
            try SchedulingDecision(pod("x", cpu: "1", priority: 3), nodes: nodes, pods: [promised, small])
                == .unschedulable(
                    message: "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
                        + "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."))
        // Of two that wait the older one comes first, and neither waits for ever.
        let younger = try waiting("younger", priority: 5, age: 30)
        #expect(SchedulingDecision(promised, nodes: nodes, pods: [promised, younger]) == .bind(node: "n1"))
        #expect(message(SchedulingDecision(younger, nodes: nodes, pods: [promised, younger])) != nil)
    }
}
