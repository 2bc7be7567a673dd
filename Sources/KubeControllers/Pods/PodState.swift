public import KubeObject

/// What controllers ask of a pod, read from its tree once.
///
/// Source: the definitions of ready and available in
/// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and `minReadySeconds` of the workloads.
public struct PodState: Sendable {
    public enum Phase: String, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case unknown = "Unknown"
    }

    public let object: Object
    public let phase: Phase
    /// The condition `Ready`, whatever its status.
    public let readyCondition: Condition?

    public init(_ object: Object) {
        self.object = object
        let status = object.tree["status"]
        phase = status?["phase"]?.string.flatMap(Phase.init) ?? .pending
        readyCondition = Condition.find("Ready", in: status)
    }

    public var metadata: Metadata { object.metadata }
    public var name: String { object.metadata.name }
    public var nodeName: String { object.tree[path: "spec", "nodeName"]?.string ?? "" }
    public var isTerminating: Bool { object.metadata.deletionTimestamp != nil }
    /// Whether the pod has come to its end and will never run again.
    public var isFinished: Bool { phase == .succeeded || phase == .failed }
    /// Neither finished nor being deleted.
    public var isActive: Bool { !isFinished && !isTerminating }
    public var isReady: Bool { readyCondition?.status == .true }

    /// Since when the pod is ready, in seconds since 1970.
    public var readySince: Double? {
        guard isReady, let text = readyCondition?.lastTransitionTime else { return nil }
        return Timestamp.parse(text)
    }

    /// Whether the pod has been ready for at least `minReadySeconds`.
    public func isAvailable(minReadySeconds: Int64, now: Double) -> Bool {
        guard isReady else { return false }
        if minReadySeconds == 0 { return true }
        guard let since = readySince else { return false }
        return since + Double(minReadySeconds) <= now
    }

    /// How many seconds are left until the pod becomes available; nil when it isn't ready, or is available already.
    public func secondsUntilAvailable(minReadySeconds: Int64, now: Double) -> Double? {
        guard minReadySeconds > 0, let since = readySince else { return nil }
        let left = since + Double(minReadySeconds) - now
        return left > 0 ? left : nil
    }

    /// The most restarts that any of the pod's containers has seen.
    public var restarts: Int64 {
        object.tree[path: "status", "containerStatuses"]?.elements.map { $0["restartCount"]?.int ?? 0 }.max() ?? 0
    }

    /// The annotation `controller.kubernetes.io/pod-deletion-cost`; 0 when it isn't there or isn't an integer.
    public var deletionCost: Int64 {
        let text = object.tree[path: "metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"]?.string
        return text.flatMap { Int64(Int32($0) ?? 0) } ?? 0
    }
}
