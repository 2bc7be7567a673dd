import KubeObject

/// What the deployment controller reads of a deployment.
struct DeploymentView {
    let object: Object
    let replicas: Int64
    let isRecreate: Bool
    /// How many pods there may be on top of `replicas`, percentages resolved; 0 unless the strategy is a rolling update.
    let maxSurge: Int64
    /// How many of `replicas` may be unavailable, percentages resolved, never more than `replicas`.
    let maxUnavailable: Int64
    let isPaused: Bool
    let minReadySeconds: Int64
    /// Nil when there is no deadline.
    let progressDeadlineSeconds: Int64?
    /// Nil when nothing is ever cleaned up.
    let revisionHistoryLimit: Int64?
    let template: JSON
    let collisionCount: Int64

    private static let never = Int64(Int32.max)

    init(_ object: Object) {
        let spec = object.tree["spec"]
        self.object = object
        replicas = spec?["replicas"]?.int ?? 1
        isRecreate = spec?[path: "strategy", "type"]?.string == "Recreate"
        isPaused = spec?["paused"]?.bool ?? false
        minReadySeconds = spec?["minReadySeconds"]?.int ?? 0
        let deadline = spec?["progressDeadlineSeconds"]?.int
        progressDeadlineSeconds = deadline == Self.never ? nil : deadline
        let limit = spec?["revisionHistoryLimit"]?.int
        revisionHistoryLimit = limit == Self.never ? nil : limit
        template = spec?["template"] ?? [:]
        collisionCount = object.tree[path: "status", "collisionCount"]?.int ?? 0

        let rolling = spec?[path: "strategy", "rollingUpdate"]
        if isRecreate || replicas == 0 {
            maxSurge = isRecreate ? 0 : (IntOrPercent(rolling?["maxSurge"]) ?? .percent(25)).resolved(of: 0, roundingUp: true)
            maxUnavailable = 0
        } else {
            let surge = (IntOrPercent(rolling?["maxSurge"]) ?? .percent(25)).resolved(of: replicas, roundingUp: true)
            let unavailable = (IntOrPercent(rolling?["maxUnavailable"]) ?? .percent(25)).resolved(of: replicas, roundingUp: false)
            // Validation allows no zero for both, but rounding may come to it, and then nothing could ever move.
            maxSurge = surge
            maxUnavailable = surge == 0 && unavailable == 0 ? 1 : min(unavailable, replicas)
        }
    }

    var metadata: Metadata { object.metadata }
    var name: String { object.metadata.name }
    var status: JSON? { object.tree["status"] }
}

/// What the deployment controller reads of a replica set.
struct ReplicaSetView {
    let object: Object
    let desired: Int64
    let actual: Int64
    let ready: Int64
    let available: Int64
    let terminating: Int64
    let observedGeneration: Int64
    let annotations: [String: String]

    init(_ object: Object) {
        let status = object.tree["status"]
        self.object = object
        desired = object.tree[path: "spec", "replicas"]?.int ?? 1
        actual = status?["replicas"]?.int ?? 0
        ready = status?["readyReplicas"]?.int ?? 0
        available = status?["availableReplicas"]?.int ?? 0
        terminating = status?["terminatingReplicas"]?.int ?? 0
        observedGeneration = status?["observedGeneration"]?.int ?? 0
        annotations = object.tree[path: "metadata", "annotations"]?.stringMap ?? [:]
    }

    var metadata: Metadata { object.metadata }
    var name: String { object.metadata.name }
    var template: JSON { object.tree[path: "spec", "template"] ?? [:] }
    var revision: Int64 { annotations[DeploymentRevision.revision].flatMap { Int64($0) } ?? 0 }
    /// What the deployment wanted when this set was last scaled.
    var annotatedDesired: Int64? { annotations[DeploymentRevision.desiredReplicas].flatMap { Int64($0) } }
    /// What the deployment allowed, surge included, when this set was last scaled.
    var annotatedMaximum: Int64? { annotations[DeploymentRevision.maxReplicas].flatMap { Int64($0) } }

    static func isOlder(_ a: ReplicaSetView, _ b: ReplicaSetView) -> Bool {
        let (left, right) = (a.metadata.creationTimestamp, b.metadata.creationTimestamp)
        return left == right ? a.name < b.name : left < right
    }
}
