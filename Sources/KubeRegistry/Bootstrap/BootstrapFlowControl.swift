import KubeObject

/// The priority levels and flow schemas that every API server has from the beginning.
/// Source: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
enum BootstrapFlowControl {
    static let group = "flowcontrol.apiserver.k8s.io"
    /// On objects whose spec the server keeps as it is here.
    static let autoUpdate = "apf.kubernetes.io/autoupdate-spec"

    static var objects: [JSON] { levels.map(level) + schemas.map(schema) }

    private struct Level {
        var name: String
        var shares: Int64
        var lendable: Int64
        /// Queues and how many of them a flow may use; none where what is too much is refused, and where nothing is.
        var queues: (count: Int64, hand: Int64)?
        var isExempt = false
    }

    private static let levels = [
        Level(name: "exempt", shares: 0, lendable: 0, isExempt: true),
        Level(name: "catch-all", shares: 5, lendable: 0),
        Level(name: "system", shares: 30, lendable: 33, queues: (64, 6)),
        Level(name: "node-high", shares: 40, lendable: 25, queues: (64, 6)),
        Level(name: "leader-election", shares: 10, lendable: 0, queues: (16, 4)),
        Level(name: "workload-high", shares: 40, lendable: 50, queues: (128, 6)),
        Level(name: "workload-low", shares: 100, lendable: 90, queues: (128, 6)),
        Level(name: "global-default", shares: 20, lendable: 50, queues: (128, 6)),
    ]

    private struct Schema {
        var name: String
        var level: String
        var precedence: Int64
        var distinguisher: String?
        var subjects: [JSON]
        var resourceRules: [JSON] = [rule()]
        var nonResourceRules: [JSON] = [["verbs": ["*"], "nonResourceURLs": ["*"]]]
    }

    private static let everybody = [subject("Group", "system:unauthenticated"), subject("Group", "system:authenticated")]
    private static let nodes = [subject("Group", "system:nodes")]
    private static let systemAccounts: JSON = [
        "kind": "ServiceAccount", "serviceAccount": ["namespace": "kube-system", "name": "*"],
    ]
    private static let leases = "coordination.k8s.io"

    private static let schemas = [
        Schema(name: "exempt", level: "exempt", precedence: 1, subjects: [subject("Group", "system:masters")]),
        Schema(
            name: "probes", level: "exempt", precedence: 2, subjects: everybody, resourceRules: [],
            nonResourceRules: [["verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]]]),
        Schema(
            name: "system-leader-election", level: "leader-election", precedence: 100, distinguisher: "ByUser",
            subjects: [
                subject("User", "system:kube-controller-manager"), subject("User", "system:kube-scheduler"), systemAccounts,
            ],
            resourceRules: [rule(["get", "create", "update"], leases, ["leases"])], nonResourceRules: []),
        Schema(
            name: "system-node-high", level: "node-high", precedence: 400, distinguisher: "ByUser", subjects: nodes,
            resourceRules: [rule(["*"], "", ["nodes", "nodes/status"], clusterScope: true), rule(["*"], leases, ["leases"])],
            nonResourceRules: []),
        Schema(name: "system-nodes", level: "system", precedence: 500, distinguisher: "ByUser", subjects: nodes),
        Schema(
            name: "kube-controller-manager", level: "workload-high", precedence: 800, distinguisher: "ByNamespace",
            subjects: [subject("User", "system:kube-controller-manager")]),
        Schema(
            name: "kube-scheduler", level: "workload-high", precedence: 800, distinguisher: "ByNamespace",
            subjects: [subject("User", "system:kube-scheduler")]),
        Schema(
            name: "kube-system-service-accounts", level: "workload-high", precedence: 900, distinguisher: "ByNamespace",
            subjects: [systemAccounts]),
        Schema(
            name: "service-accounts", level: "workload-low", precedence: 9000, distinguisher: "ByUser",
            subjects: [subject("Group", "system:serviceaccounts")]),
        Schema(
            name: "global-default", level: "global-default", precedence: 9900, distinguisher: "ByUser", subjects: everybody),
        Schema(name: "catch-all", level: "catch-all", precedence: 10000, distinguisher: "ByUser", subjects: everybody),
    ]

    private static func subject(_ kind: String, _ name: String) -> JSON {
        ["kind": .string(kind), kind.lowercased(): ["name": .string(name)]]
    }

    private static func rule(_ verbs: [String], _ group: String, _ resources: [String], clusterScope: Bool = false) -> JSON {
        var rule: JSON = [
            "verbs": JSON(verbs), "apiGroups": [.string(group)], "resources": JSON(resources), "namespaces": ["*"],
        ]
        if clusterScope { rule["clusterScope"] = true }
        return rule
    }

    /// A rule for every request.
    private static func rule() -> JSON { rule(["*"], "*", ["*"], clusterScope: true) }

    private static func object(_ kind: String, _ name: String, spec: JSON, status: JSON) -> JSON {
        var metadata = Bootstrap.metadata(kind, name)
        metadata["generation"] = 1
        metadata["annotations"] = [autoUpdate: "true"]
        return [
            "apiVersion": .string("\(group)/v1"), "kind": .string(kind), "metadata": metadata, "spec": spec, "status": status,
        ]
    }

    private static func level(_ level: Level) -> JSON {
        var shares: JSON = ["nominalConcurrencyShares": .int(level.shares), "lendablePercent": .int(level.lendable)]
        if level.isExempt {
            return object("PriorityLevelConfiguration", level.name, spec: ["type": "Exempt", "exempt": shares], status: [:])
        }
        shares["limitResponse"] =
            level.queues.map { queues in
                [
                    "type": "Queue",
                    "queuing": ["queues": .int(queues.count), "handSize": .int(queues.hand), "queueLengthLimit": 50],
                ]
            } ?? ["type": "Reject"]
        return object("PriorityLevelConfiguration", level.name, spec: ["type": "Limited", "limited": shares], status: [:])
    }

    private static func schema(_ schema: Schema) -> JSON {
        var rules: JSON = ["subjects": .array(schema.subjects)]
        if !schema.resourceRules.isEmpty { rules["resourceRules"] = .array(schema.resourceRules) }
        if !schema.nonResourceRules.isEmpty { rules["nonResourceRules"] = .array(schema.nonResourceRules) }
        var spec: JSON = [
            "priorityLevelConfiguration": ["name": .string(schema.level)], "matchingPrecedence": .int(schema.precedence),
            "rules": [rules],
        ]
        if let distinguisher = schema.distinguisher { spec["distinguisherMethod"] = ["type": .string(distinguisher)] }
        return object(
            "FlowSchema", schema.name, spec: spec,
            status: [
                "conditions": [
                    [
                        "type": "Dangling", "status": "False", "lastTransitionTime": .string(Bootstrap.sharedCreationTimestamp),
                        "reason": "Found",
                        "message": .string(
                            "This FlowSchema references the PriorityLevelConfiguration object named \(quoted(schema.level)) and it exists"
                        ),
                    ]
                ]
            ])
    }
}
