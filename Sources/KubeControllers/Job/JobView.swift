import KubeObject

/// What the job controller reads of a job.
struct JobView {
    static let tracking = "batch.kubernetes.io/job-tracking"
    static let indexKey = "batch.kubernetes.io/job-completion-index"
    static let indexFailures = "batch.kubernetes.io/job-index-failure-count"

    let object: Object
    let spec: JSON
    let status: JSON
    let parallelism: Int
    /// Nil for a job that is done when any pod has succeeded and all have ended.
    let completions: Int?
    let backoffLimit: Int
    let backoffLimitPerIndex: Int?
    let maxFailedIndexes: Int?
    let activeDeadlineSeconds: Int64?
    let isIndexed: Bool
    let isSuspended: Bool
    /// Whether a pod is replaced only when it has ended, not already when it begins to.
    let replacesOnlyFailed: Bool
    let failureRules: [JSON]
    let successRules: [JSON]

    init(_ object: Object) {
        self.object = object
        spec = object.tree["spec"] ?? [:]
        status = object.tree["status"] ?? [:]
        parallelism = Int(clamping: spec["parallelism"]?.int ?? 1)
        completions = spec["completions"]?.int.map { Int(clamping: $0) }
        backoffLimitPerIndex = spec["backoffLimitPerIndex"]?.int.map { Int(clamping: $0) }
        backoffLimit = Int(clamping: spec["backoffLimit"]?.int ?? (backoffLimitPerIndex == nil ? 6 : Int64(Int32.max)))
        maxFailedIndexes = spec["maxFailedIndexes"]?.int.map { Int(clamping: $0) }
        activeDeadlineSeconds = spec["activeDeadlineSeconds"]?.int
        isIndexed = spec["completionMode"]?.string == "Indexed"
        isSuspended = spec["suspend"]?.bool ?? false
        failureRules = spec[path: "podFailurePolicy", "rules"]?.elements ?? []
        successRules = isIndexed ? spec[path: "successPolicy", "rules"]?.elements ?? [] : []
        replacesOnlyFailed = spec["podReplacementPolicy"]?.string.map { $0 == "Failed" } ?? !failureRules.isEmpty
    }

    var metadata: Metadata { object.metadata }
    var conditions: [Condition] { [Condition](of: status) }

    func hasCondition(_ type: String) -> Bool { conditions[type: type]?.status == .true }
    /// Whether the job has come to its end and nothing of it changes any more.
    var isFinished: Bool { hasCondition("Complete") || hasCondition("Failed") }
    /// Whether somebody else's controller does this job.
    var isManagedElsewhere: Bool { spec["managedBy"]?.string.map { $0 != "kubernetes.io/job-controller" } ?? false }
    var startTime: Double? { status["startTime"]?.string.flatMap { Timestamp.parse($0) } }
}

/// What the job controller reads of a pod.
struct JobPod {
    let pod: PodState
    let isTracked: Bool
    /// The completion index, nil when it has none.
    let index: Int?
    let isFailed: Bool

    init(_ object: Object, of job: JobView) {
        pod = PodState(object)
        isTracked = object.metadata.finalizers.contains(JobView.tracking)
        index = object.tree[path: "metadata", "annotations", JobView.indexKey]?.string.flatMap { Int($0) }
        // A pod that is deleted before it ends may never say that it failed.
        isFailed = pod.phase == .failed || (!job.replacesOnlyFailed && pod.isTerminating && pod.phase != .succeeded)
    }

    var uid: String { pod.metadata.uid }
    var isSucceeded: Bool { pod.phase == .succeeded }
    var isTerminating: Bool { pod.isTerminating && !pod.isFinished }

    /// When the last container ended, in seconds since 1970.
    var finishedAt: Double {
        let statuses = pod.object.tree[path: "status", "containerStatuses"]?.elements ?? []
        let times = statuses.compactMap { $0[path: "state", "terminated", "finishedAt"]?.string.flatMap { Timestamp.parse($0) } }
        if let last = times.max() { return last }
        let fallback = pod.readyCondition?.lastTransitionTime ?? pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp
        return Timestamp.parse(fallback) ?? 0
    }

    /// How often this pod's index had failed before it.
    var earlierIndexFailures: Int {
        pod.object.tree[path: "metadata", "annotations", JobView.indexFailures]?.string.flatMap { Int($0) } ?? 0
    }
}
