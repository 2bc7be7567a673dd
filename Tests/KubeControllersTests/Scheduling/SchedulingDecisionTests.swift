import KubeObject
import KubeRegistry
import Testing

@testable import KubeControllers

@Suite struct SchedulingDecisionTests {
    func node(_ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        var tree: JSON = [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": "node-1", "uid": "n", "labels": ["kubernetes.io/hostname": "node-1", "disk": "ssd", "size": "8"],
            ],
            "status": ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"]],
        ]
        change(&tree)
        return try Samples.object(tree)
    }

    func pending(_ name: String = "new", cpu: String? = nil, _ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        try Samples.pod(name, phase: "Pending", readyFor: nil, node: "") {
            $0[path: "spec", "nodeName"] = nil
            if let cpu { $0[path: "spec", "containers"] = [["name": "a", "resources": ["requests": ["cpu": .string(cpu)]]]] }
            change(&$0)
        }
    }

    func running(_ name: String, cpu: String, _ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        try Samples.pod(name) {
            $0[path: "spec", "containers"] = [["name": "a", "resources": ["requests": ["cpu": .string(cpu)]]]]
            change(&$0)
        }
    }

    func message(_ decision: SchedulingDecision) -> String? {
        if case .unschedulable(let message, _, _) = decision { message } else { nil }
    }

    private static let notHelpful =
        " no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    private static let noVictims =
        " no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."

    @Test func aPodThatFitsIsBound() throws {
        #expect(try SchedulingDecision(pending(cpu: "2"), node: node(), pods: []) == .bind(node: "node-1"))
    }

    @Test func whatIsNotOursIsLeftAlone() throws {
        #expect(try SchedulingDecision(Samples.pod("bound"), node: node(), pods: []) == .ignore)
        #expect(
            try SchedulingDecision(pending { $0[path: "spec", "schedulerName"] = "other" }, node: node(), pods: []) == .ignore)
        #expect(
            try SchedulingDecision(
                pending { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }, node: node(), pods: [])
                == .ignore)
    }

    @Test func gatesAndMissingNodesHoldAPodBack() throws {
        let gated = try pending { $0[path: "spec", "schedulingGates"] = [["name": "quota"]] }
        #expect(try SchedulingDecision(gated, node: node(), pods: []) == .gated)
        #expect(
            try SchedulingDecision(pending(), node: nil, pods: [])
                == .unschedulable(message: "no nodes available to schedule pods"))
    }

    @Test func tooLittleIsToldByResource() throws {
        let pods = try [running("a", cpu: "1500m")]
        #expect(
            try message(SchedulingDecision(pending(cpu: "600m"), node: node(), pods: pods))
                == "0/1 nodes are available: 1 Insufficient cpu." + Self.noVictims)
        #expect(
            try message(SchedulingDecision(pending(cpu: "3"), node: node(), pods: []))
                == "0/1 nodes are available: 1 Insufficient cpu." + Self.notHelpful)
        let both = try pending {
            $0[path: "spec", "containers"] = [["name": "a", "resources": ["requests": ["cpu": "9", "memory": "9Gi"]]]]
        }
        #expect(
            try message(SchedulingDecision(both, node: node(), pods: []))
                == "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory." + Self.notHelpful)
        let finished = try running("a", cpu: "2") { $0[path: "status", "phase"] = "Succeeded" }
        #expect(try SchedulingDecision(pending(cpu: "2"), node: node(), pods: [finished]) == .bind(node: "node-1"))
        let full = try node { $0[path: "status", "allocatable", "pods"] = "1" }
        #expect(
            try message(SchedulingDecision(pending(), node: full, pods: pods))
                == "0/1 nodes are available: 1 Too many pods." + Self.noVictims)
    }

    @Test func initContainersAndOverheadCount() throws {
        let tree: JSON = [
            "spec": [
                "containers": [
                    ["resources": ["requests": ["cpu": "100m", "memory": "1Ki"]]], ["resources": ["requests": ["cpu": "200m"]]],
                ],
                "initContainers": [
                    ["resources": ["requests": ["cpu": "1"]]],
                    ["restartPolicy": "Always", "resources": ["requests": ["cpu": "500m"]]],
                    ["resources": ["requests": ["cpu": "700m"]]],
                ], "overhead": ["cpu": "10m"],
            ]
        ]
        #expect(PodResources.requests(of: tree)["cpu"] == 1210)
        #expect(PodResources.requests(of: tree)["memory"] == 1024)
    }

    @Test(
        arguments: [
            (["nodeSelector": ["disk": "ssd"]], true), (["nodeSelector": ["disk": "hdd"]], false),
            (affinity(["key": "disk", "operator": "In", "values": ["ssd"]]), true),
            (affinity(["key": "disk", "operator": "NotIn", "values": ["ssd"]]), false),
            (affinity(["key": "gpu", "operator": "DoesNotExist"]), true),
            (affinity(["key": "size", "operator": "Gt", "values": ["4"]]), true),
            (affinity(["key": "size", "operator": "Lt", "values": ["4"]]), false),
        ] as [(JSON, Bool)])
    func nodesAreSelected(spec: JSON, fits: Bool) throws {
        let pod = try pending { for (key, value) in spec.object ?? [:] { $0[path: "spec", key] = value } }
        let decision = try SchedulingDecision(pod, node: node(), pods: [])
        if fits {
            #expect(decision == .bind(node: "node-1"))
        } else {
            #expect(
                message(decision) == "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
                    + Self.notHelpful)
        }
    }

    static func affinity(_ expression: JSON) -> JSON {
        [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [["matchExpressions": [expression]]]]
                ]
            ]
        ]
    }

    @Test func taintsMustBeTolerated() throws {
        let tainted = try node { $0[path: "spec", "taints"] = [["key": "team", "value": "a", "effect": "NoSchedule"]] }
        #expect(
            try message(SchedulingDecision(pending(), node: tainted, pods: []))
                == "0/1 nodes are available: 1 node(s) had untolerated taint(s)." + Self.notHelpful)
        let tolerant = try pending { $0[path: "spec", "tolerations"] = [["key": "team", "operator": "Exists"]] }
        #expect(SchedulingDecision(tolerant, node: tainted, pods: []) == .bind(node: "node-1"))
        let cordoned = try node { $0[path: "spec", "unschedulable"] = true }
        #expect(
            try message(SchedulingDecision(pending(), node: cordoned, pods: []))
                == "0/1 nodes are available: 1 node(s) were unschedulable." + Self.notHelpful)
    }

    @Test func hostPortsAreTakenOnce() throws {
        func port(_ tree: inout JSON) { tree[path: "spec", "containers"] = [["name": "a", "ports": [["hostPort": 80]]]] }
        let other = try Samples.pod("other", port)
        #expect(
            try message(SchedulingDecision(pending("x", port), node: node(), pods: [other]))
                == "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports." + Self.noVictims)
    }

    @Test func podsAvoidAndSeekEachOther() throws {
        let term: JSON = ["labelSelector": ["matchLabels": ["app": "web"]], "topologyKey": "kubernetes.io/hostname"]
        func rule(_ kind: String) -> (inout JSON) -> Void {
            { $0[path: "spec", "affinity", kind] = ["requiredDuringSchedulingIgnoredDuringExecution": [term]] }
        }
        let other = try Samples.pod("other")
        #expect(
            try message(SchedulingDecision(pending("x", rule("podAntiAffinity")), node: node(), pods: [other]))
                == "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules." + Self.noVictims)
        let avoiding = try Samples.pod("other", labels: ["app": "db"], rule("podAntiAffinity"))
        #expect(
            try message(SchedulingDecision(pending(), node: node(), pods: [avoiding]))
                == "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules." + Self.noVictims)
        // The first of its kind may come.
        #expect(try SchedulingDecision(pending("x", rule("podAffinity")), node: node(), pods: []) == .bind(node: "node-1"))
        let stranger = try pending("x") {
            rule("podAffinity")(&$0)
            $0[path: "metadata", "labels"] = ["app": "db"]
        }
        #expect(
            try message(SchedulingDecision(stranger, node: node(), pods: []))
                == "0/1 nodes are available: 1 node(s) didn't match pod affinity rules." + Self.notHelpful)
    }

    @Test func aMoreImportantPodTakesThePlaceOfTheLeastImportant() throws {
        let pods = try [
            running("keep", cpu: "1") { $0[path: "spec", "priority"] = 5 },
            running("victim", cpu: "1") { $0[path: "spec", "priority"] = 1 },
        ]
        let important = try pending(cpu: "1") { $0[path: "spec", "priority"] = 10 }
        #expect(
            try SchedulingDecision(important, node: node(), pods: pods)
                == .unschedulable(message: "0/1 nodes are available: 1 Insufficient cpu.", victims: ["uid-victim"], on: "node-1"))
        let polite = try pending(cpu: "1") {
            $0[path: "spec", "priority"] = 10
            $0[path: "spec", "preemptionPolicy"] = "Never"
        }
        #expect(
            try message(SchedulingDecision(polite, node: node(), pods: pods))
                == "0/1 nodes are available: 1 Insufficient cpu." + Self.noVictims)
    }

    @Test func oneNodeIsNeverSkewedUnlessMoreDomainsAreWanted() throws {
        func spread(_ domains: Int64?) throws -> Object {
            try pending {
                var constraint: JSON = [
                    "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": ["matchLabels": ["app": "web"]],
                ]
                constraint["minDomains"] = domains.map { .int($0) }
                $0[path: "spec", "topologySpreadConstraints"] = [constraint]
            }
        }
        let pods = try [Samples.pod("a"), Samples.pod("b")]
        #expect(try SchedulingDecision(spread(nil), node: node(), pods: pods) == .bind(node: "node-1"))
        #expect(
            try message(SchedulingDecision(spread(2), node: node(), pods: pods))
                == "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints." + Self.noVictims)
    }
}

extension SchedulingDecision {
    /// In a cluster of one node, or of none.
    init(_ pod: Object, node: Object?, pods: [Object], volumeProblem: PodVolumes.Problem? = nil) {
        self.init(pod, nodes: node.map { [$0] } ?? [], pods: pods, volumeProblem: { _ in volumeProblem })
    }
}
