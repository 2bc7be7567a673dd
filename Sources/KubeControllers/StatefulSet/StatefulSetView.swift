import KubeObject

/// What the stateful set controller reads of a set.
struct StatefulSetView {
    let object: Object
    let spec: JSON
    let status: JSON
    let replicas: Int
    /// The ordinals that the set's pods have.
    let ordinals: Range<Int>
    let isOrdered: Bool
    let isRolling: Bool
    let partition: Int
    let maxUnavailable: Int
    let minReadySeconds: Int64
    let revisionHistoryLimit: Int

    init(_ object: Object) {
        self.object = object
        spec = object.tree["spec"] ?? [:]
        status = object.tree["status"] ?? [:]
        replicas = max(0, Int(clamping: spec["replicas"]?.int ?? 1))
        let start = max(0, Int(clamping: spec[path: "ordinals", "start"]?.int ?? 0))
        ordinals = start..<(start + replicas)
        isOrdered = spec["podManagementPolicy"]?.string != "Parallel"
        isRolling = spec[path: "updateStrategy", "type"]?.string ?? "RollingUpdate" == "RollingUpdate"
        let rolling = spec[path: "updateStrategy", "rollingUpdate"]
        partition = Int(clamping: rolling?["partition"]?.int ?? 0)
        let unavailable = IntOrPercent(rolling?["maxUnavailable"])?.resolved(of: Int64(replicas), roundingUp: true) ?? 1
        maxUnavailable = max(1, Int(clamping: unavailable))
        minReadySeconds = spec["minReadySeconds"]?.int ?? 0
        revisionHistoryLimit = Int(clamping: spec["revisionHistoryLimit"]?.int ?? 10)
    }

    var currentRevision: String? { status["currentRevision"]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    var claimTemplates: [JSON] { spec["volumeClaimTemplates"]?.elements ?? [] }
    /// Whether claims go when the set does, and when it gets smaller.
    var deletesClaimsWithSet: Bool { spec[path: "persistentVolumeClaimRetentionPolicy", "whenDeleted"]?.string == "Delete" }
    var deletesClaimsWithPod: Bool { spec[path: "persistentVolumeClaimRetentionPolicy", "whenScaled"]?.string == "Delete" }

    func podName(_ ordinal: Int) -> String { "\(object.metadata.name)-\(ordinal)" }
    func claimName(_ template: JSON, _ ordinal: Int) -> String {
        "\(template[path: "metadata", "name"]?.string ?? "")-\(podName(ordinal))"
    }
}

/// What the stateful set controller reads of a pod.
struct StatefulPod {
    let state: PodState
    let ordinal: Int
    let revision: String

    /// - Returns: nil for a pod whose name isn't one that the set gives.
    init?(_ object: Object, of set: StatefulSetView) {
        let prefix = "\(set.object.metadata.name)-"
        guard object.metadata.name.hasPrefix(prefix), let ordinal = Int(object.metadata.name.dropFirst(prefix.count)),
            ordinal >= 0
        else { return nil }
        state = PodState(object)
        self.ordinal = ordinal
        revision = object.metadata.labels[RevisionHistory.hashLabel] ?? ""
    }

    var isRunningAndReady: Bool { state.phase == .running && state.isReady }
}
