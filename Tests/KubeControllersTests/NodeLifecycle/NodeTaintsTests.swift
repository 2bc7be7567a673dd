import KubeObject
import Testing

@testable import KubeControllers

struct NodeTaintsTests {
    private static let own: JSON = ["key": "mine", "effect": "NoSchedule"]

    private static func node(_ conditions: [(String, String)], taints: [JSON] = [], cordoned: Bool = false) -> JSON {
        [
            "spec": ["taints": .array(taints), "unschedulable": .bool(cordoned)],
            "status": [
                "conditions": .array(conditions.map { ["type": .string($0.0), "status": .string($0.1)] })
            ],
        ]
    }

    private static func taint(_ key: String, _ effect: String) -> JSON {
        ["key": .string("node.kubernetes.io/" + key), "effect": .string(effect)]
    }

    /// Keys without the domain, and effects; nil when nothing is to be changed.
    private static func right(_ node: JSON, evicts: Bool = true) -> [String]? {
        NodeTaints.right(for: node, evicts: evicts, time: "now")?.map {
            "\(($0["key"]?.string ?? "").replacing("node.kubernetes.io/", with: "")):\($0["effect"]?.string ?? "")"
        }
    }

    @Test(
        arguments: [
            ([], false, nil),
            ([("Ready", "True"), ("MemoryPressure", "False")], false, nil),
            ([("Ready", "False")], false, ["not-ready:NoSchedule", "not-ready:NoExecute"]),
            ([("Ready", "Unknown")], false, ["unreachable:NoSchedule", "unreachable:NoExecute"]),
            (
                [("Ready", "True"), ("MemoryPressure", "True"), ("DiskPressure", "True"), ("PIDPressure", "True")], false,
                ["memory-pressure:NoSchedule", "disk-pressure:NoSchedule", "pid-pressure:NoSchedule"]
            ),
            (
                [("Ready", "True"), ("NetworkUnavailable", "True")], true,
                ["network-unavailable:NoSchedule", "unschedulable:NoSchedule"]
            ),
            // Pressure that nobody knows of is none.
            ([("Ready", "True"), ("MemoryPressure", "Unknown")], false, nil),
        ] as [([(String, String)], Bool, [String]?)])
    func followConditions(_ conditions: [(String, String)], _ cordoned: Bool, _ expected: [String]?) {
        #expect(Self.right(Self.node(conditions, cordoned: cordoned)) == expected)
    }

    @Test func othersTaintsStay() {
        let gone = [Self.taint("unreachable", "NoSchedule"), Self.own, Self.taint("unreachable", "NoExecute")]
        #expect(Self.right(Self.node([("Ready", "True")], taints: gone)) == ["mine:NoSchedule"])
        // What others mean by the same keys with another effect isn't ours.
        let preferred = [Self.taint("not-ready", "PreferNoSchedule"), Self.taint("memory-pressure", "NoExecute")]
        #expect(Self.right(Self.node([("Ready", "True")], taints: preferred)) == nil)
    }

    @Test func nothingChangesWhereAllIsRight() {
        let taints = [Self.taint("not-ready", "NoExecute"), Self.own, Self.taint("not-ready", "NoSchedule")]
        #expect(Self.right(Self.node([("Ready", "False")], taints: taints)) == nil)
    }

    @Test func nobodyIsMadeToLeaveInADisruption() {
        #expect(Self.right(Self.node([("Ready", "False")]), evicts: false) == ["not-ready:NoSchedule"])
        // Who was made to before isn't called back.
        let taints = [Self.taint("unreachable", "NoSchedule"), Self.taint("unreachable", "NoExecute")]
        #expect(
            Self.right(Self.node([("Ready", "False")], taints: taints), evicts: false)
                == ["not-ready:NoSchedule", "not-ready:NoExecute"])
    }
}

struct NodeHealthTests {
    private func node(_ status: String, zone: String = "a") -> JSON {
        [
            "metadata": ["labels": ["topology.kubernetes.io/zone": .string(zone)]],
            "status": ["conditions": [["type": "Ready", "status": .string(status)]]],
        ]
    }

    @Test func whatNobodyTellsOfIsUnknown() {
        var node: JSON = [
            "metadata": ["creationTimestamp": "then"],
            "status": [
                "conditions": [
                    ["type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": "before"],
                    ["type": "DiskPressure", "status": "Unknown", "reason": "x", "lastTransitionTime": "before"],
                    ["type": "Other", "status": "True"],
                ]
            ],
        ]
        #expect(!NodeHealth.isUnknown(node))
        NodeHealth.lapse(&node, time: "now")
        #expect(NodeHealth.isUnknown(node))
        let never: (String) -> JSON = {
            [
                "type": .string($0), "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.", "lastHeartbeatTime": "then", "lastTransitionTime": "now",
            ]
        }
        #expect(
            node[path: "status", "conditions"]?.elements == [
                [
                    "type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
                    "message": "Kubelet stopped posting node status.", "lastTransitionTime": "now",
                ],
                ["type": "DiskPressure", "status": "Unknown", "reason": "x", "lastTransitionTime": "before"],
                ["type": "Other", "status": "True"], never("MemoryPressure"), never("PIDPressure"),
            ])
    }

    @Test func aSignIsAHeartbeatOrALease() {
        var node = node("True")
        let first = NodeHealth.sign(node, lease: nil)
        #expect(NodeHealth.sign(node, lease: ["spec": ["renewTime": "1"]]) != first)
        node[path: "status", "conditions"] = [["type": "Ready", "status": "True", "lastHeartbeatTime": "2"]]
        #expect(NodeHealth.sign(node, lease: nil) != first)
        #expect(NodeHealth.grace(of: node) == 50 && NodeHealth.grace(of: [:]) == 60)
    }

    @Test(
        arguments: [
            (1, 1, 0, true), (1, 0, 0, false), (1, 0, 1, true),
            (2, 1, 0, true), (3, 2, 0, false), (3, 3, 0, true), (3, 4, 0, true), (4, 3, 0, false), (28, 22, 0, false),
            (30, 24, 0, true),
            (40, 30, 0, true),
        ] as [(Int, Int, Int, Bool)])
    func podsLeaveUnlessTooManyNodesSeemLost(lost: Int, ready: Int, elsewhere: Int, expected: Bool) {
        let nodes =
            Array(repeating: node("Unknown"), count: lost) + Array(repeating: node("True"), count: ready)
            + Array(repeating: node("True", zone: "b"), count: elsewhere)
        #expect(NodeHealth.evicts(node("Unknown"), among: nodes) == expected)
    }
}
