import KubeControllers
import KubeObject
import Testing

@testable import Fleet

@Suite struct MachineChargeTests {
    private static func pod(_ resources: JSON...) -> JSON {
        ["spec": ["containers": .array(resources.map { ["name": "c", "resources": $0] })]]
    }

    private static let mebi: Int64 = 1 << 20

    /// A pod, thousandths of a processor, MiB.
    @Test(
        arguments: [
            (pod([:]), 10, 256), (pod([:], [:]), 20, 512),
            (pod(["requests": ["cpu": "250m", "memory": "64Mi"]]), 250, 256),
            (pod(["requests": ["memory": "1Gi"]]), 10, 1024),
            // For the kernel nothing is no limit.
            (pod(["requests": ["cpu": "0"], "limits": ["memory": "0"]]), 10, 256),
            (
                pod(
                    ["requests": ["cpu": 0, "memory": "0"], "limits": ["cpu": "0", "memory": 0]], ["limits": ["memory": "1Mi"]]),
                20, 257
            ),
            (pod(["limits": ["cpu": "2", "memory": "100Mi"]]), 2000, 100),
            (pod(["requests": ["cpu": "1"], "limits": ["cpu": "4", "memory": "1Gi"]]), 1000, 1024),
            (
                [
                    "spec": [
                        "containers": [["name": "c"]], "resources": ["requests": ["cpu": "3"], "limits": ["memory": "2Gi"]],
                    ]
                ], 3000, 2048
            ),
            (
                [
                    "spec": [
                        "containers": [["name": "c"], ["name": "d", "resources": ["requests": ["cpu": "1"]]]],
                        "resources": ["limits": ["memory": "32Mi"]],
                    ]
                ], 1010, 32
            ),
            (
                [
                    "spec": [
                        "containers": [["name": "c"], ["name": "d", "resources": ["limits": ["memory": "1Gi"]]]],
                        "resources": ["requests": ["memory": "2Gi"], "limits": ["cpu": "1"]],
                    ]
                ], 1000, 2048
            ),
            (
                [
                    "spec": [
                        "containers": [["name": "c"]],
                        "initContainers": [["name": "i", "resources": ["limits": ["cpu": "1", "memory": "512Mi"]]]],
                    ]
                ], 1000, 512
            ),
        ] as [(JSON, Int64, Int64)])
    func podsAreChargedByOneRule(pod: JSON, cpu: Int64, memory: Int64) {
        #expect(MachineCharge.pod(pod) == MachineAmounts(pods: 1, cpu: cpu, memory: memory * Self.mebi))
        // What is written into the pod is what it was charged for.
        var filled = pod
        MachineCharge.fill(&filled, cpu: true, memory: true)
        #expect(MachineCharge.pod(filled) == MachineCharge.pod(pod))
        var again = filled
        MachineCharge.fill(&again, cpu: true, memory: true)
        #expect(again == filled)
    }

    @Test func onlyWhatIsLimitedIsWrittenIntoPods() {
        var pod = Self.pod([:])
        MachineCharge.fill(&pod, cpu: false, memory: false)
        #expect(pod == Self.pod([:]))
        MachineCharge.fill(&pod, cpu: true, memory: false)
        #expect(pod == Self.pod(["requests": ["cpu": "10m"]]))
        pod = Self.pod([:])
        MachineCharge.fill(&pod, cpu: false, memory: true)
        #expect(pod == Self.pod(["requests": ["memory": "64Mi"], "limits": ["memory": "256Mi"]]))
    }

    @Test func whatAPodHasAsAWholeIsntWrittenIntoItsContainers() {
        var pod: JSON = ["spec": ["containers": [["name": "c"]], "resources": ["limits": ["memory": "32Mi"]]]]
        MachineCharge.fill(&pod, cpu: true, memory: true)
        #expect(
            pod == [
                "spec": [
                    "containers": [["name": "c"]],
                    "resources": ["limits": ["memory": "32Mi"], "requests": ["cpu": "10m"]],
                ]
            ])
        pod = ["spec": ["containers": [["name": "c"]], "resources": ["limits": ["cpu": "1"]]]]
        MachineCharge.fill(&pod, cpu: true, memory: true)
        #expect(
            pod[path: "spec", "resources"] == [
                "limits": ["cpu": "1", "memory": "268435456"], "requests": ["cpu": "1", "memory": "67108864"],
            ])
    }

    /// A limit that is lowered holds when the kernel has it.
    @Test func whatAPodStillHasCounts() {
        var pod = Self.pod(["requests": ["cpu": "10m"], "limits": ["memory": "64Mi"]])
        pod["status"] = ["containerStatuses": [["name": "c", "resources": ["limits": ["memory": "256Mi"]]]]]
        #expect(MachineCharge.pod(pod)[.memory] == 256 * Self.mebi)
        pod["status"] = ["containerStatuses": [["name": "c", "resources": ["limits": ["memory": "32Mi"]]]]]
        #expect(MachineCharge.pod(pod)[.memory] == 64 * Self.mebi)
    }

    @Test(arguments: ["Succeeded", "Failed"])
    func aPodThatIsOverCountsForNothing(phase: String) {
        var pod = Self.pod([:])
        pod["status"] = ["phase": .string(phase)]
        #expect(MachineCharge.pod(pod).isZero)
    }

    @Test(arguments: [
        ("ClusterIP", 2, Int64(0)), ("NodePort", 2, 2), ("LoadBalancer", 1, 1), ("ExternalName", 0, 0), ("NodePort", 0, 0),
    ]) func aServiceCountsWithThePortsThatLeadInFromOutside(type: String, ports: Int, exposures: Int64) {
        let service: JSON = [
            "spec": ["type": .string(type), "ports": .array((0..<ports).map { ["port": .int(Int64($0 + 80))] })]
        ]
        let services = GroupResource(group: "", resource: "services")
        #expect(MachineCharge.of(service, services) == MachineAmounts(exposures: exposures))
        #expect(MachineCharge.counts(services))
        #expect(!MachineCharge.counts(GroupResource(group: "serving.knative.dev", resource: "services")))
    }

    @Test func aPodCountsWithItsPortsOfTheMachine() {
        var pod = Self.pod([:])
        pod[path: "spec", "containers"] = [
            ["name": "a", "ports": [["containerPort": 80, "hostPort": 8080], ["containerPort": 81]]]
        ]
        pod[path: "spec", "initContainers"] = [
            ["name": "side", "restartPolicy": "Always", "ports": [["containerPort": 9, "hostPort": 9]]]
        ]
        #expect(MachineCharge.pod(pod)[.exposures] == 2)
        pod["status"] = ["phase": "Succeeded"]
        #expect(MachineCharge.pod(pod)[.exposures] == 0)
        #expect(MachineResource.exposures.outlastsSleep)
    }

    @Test func limitsAreReadAndJudged() {
        let tree: JSON = ["pods": 3, "cpu": "1500m", "memory": "2Gi", "storage": 5, "exposures": 7]
        let limits = MachineLimits(tree)
        #expect(MachineResource.allCases.map { limits[$0] } == [3, 1500, 2 << 30, 5, 7])
        #expect(MachineLimits.errors(in: tree, path: "q").isEmpty)
        let wrong: JSON = ["pods": -1, "cpu": "much", "memory": "-1Gi", "exposures": "7"]
        #expect(MachineLimits.errors(in: wrong, path: "q").map(\.path) == ["q.pods", "q.cpu", "q.memory", "q.exposures"])
        #expect(MachineLimits(nil).isEmpty)
        #expect(MachineLimits(["pods": 0])[.pods] == 0)
    }

    @Test func amountsNeitherOverflowNorBecomeNegative() {
        let much = MachineAmounts(memory: .max)
        #expect((much + much)[.memory] == .max)
        #expect((MachineAmounts() - much).isZero)
        #expect(
            MachineAmounts(pods: 2, cpu: 250, memory: 3 << 29).tree == [
                "pods": 2, "cpu": "250m", "memory": "1536Mi", "storage": "0", "exposures": 0,
            ])
    }

    @Test func aRefusalSaysWhoHasItAndWhatToDo() {
        let refusal = QuotaRefusal(
            scope: .team, name: "blue", requested: MachineAmounts(pods: 1, memory: 1 << 28),
            exceeded: [.init(resource: .memory, used: 4 << 30, limit: 4 << 30)],
            holders: [
                .init(name: "demo", amount: 3 << 30, resource: .memory), .init(name: "ci", amount: 1 << 30, resource: .memory),
            ])
        #expect(
            refusal.message
                == "exceeded quota: team blue, requested: memory=256Mi, used: memory=4Gi, limited: memory=4Gi; used by demo 3Gi, ci 1Gi; delete pods in one of these clusters, put a cluster to sleep with `sampan cluster sleep`, or have spec.quota.memory of the team raised"
        )
        // Each resource that is short has its own users.
        let several = QuotaRefusal(
            scope: .waking, name: "blue", requested: MachineAmounts(pods: 3, memory: 1 << 28),
            exceeded: [.init(resource: .pods, used: 8, limit: 10), .init(resource: .memory, used: 4 << 30, limit: 4 << 30)],
            holders: [
                .init(name: "demo", amount: 8, resource: .pods), .init(name: "ci", amount: 4 << 30, resource: .memory),
            ])
        #expect(several.message.contains("; pods used by demo 8; memory used by ci 4Gi; delete pods"))
        let large = QuotaRefusal(
            scope: .cluster, name: "demo", requested: MachineAmounts(memory: 8 << 30),
            exceeded: [.init(resource: .memory, used: 0, limit: 4 << 30)], holders: [])
        #expect(large.message.hasSuffix("ask for less, or have spec.limits.memory raised by the platform's administrators"))
    }

    @Test func theConditionTellsWhetherMoreFits() {
        let limits = MachineLimits(["pods": 2, "memory": "1Gi"])
        #expect(QuotaCondition.condition(used: MachineAmounts(pods: 1), limits).reason == "RoomLeft")
        #expect(QuotaCondition.condition(used: MachineAmounts(pods: 2), limits).reason == "AtLimit")
        #expect(QuotaCondition.condition(used: MachineAmounts(pods: 2, memory: 2 << 30), limits).reason == "OverLimit")
        var object: JSON = ["status": ["conditions": [["type": "Ready", "status": "True"]]]]
        QuotaCondition.write(to: &object, used: MachineAmounts(pods: 1), limits, now: "then")
        QuotaCondition.write(to: &object, used: MachineAmounts(), limits, now: "later")
        #expect(object[path: "status", "conditions"]?.elements.map { $0["type"]?.string } == ["Ready", "WithinQuota"])
        #expect(object[path: "status", "conditions"]?.elements.last?["lastTransitionTime"] == "then")
        QuotaCondition.write(to: &object, used: nil, MachineLimits(nil), now: "later")
        #expect(object[path: "status", "conditions"]?.elements.count == 1)
    }
}
