import KubeObject

/// What the daemon set controller reads of a set.
struct DaemonSetView {
    struct Fit {
        /// Whether a pod is to be made there.
        var shouldRun: Bool
        /// Whether one that is there may stay.
        var shouldContinue: Bool
    }

    let object: Object
    let isRolling: Bool
    let unavailable: IntOrPercent
    let surge: IntOrPercent
    let minReadySeconds: Int64
    let revisionHistoryLimit: Int

    init(_ object: Object) {
        let spec = object.tree["spec"]
        self.object = object
        isRolling = spec?[path: "updateStrategy", "type"]?.string ?? "RollingUpdate" == "RollingUpdate"
        let rolling = spec?[path: "updateStrategy", "rollingUpdate"]
        unavailable = IntOrPercent(rolling?["maxUnavailable"]) ?? .count(1)
        surge = IntOrPercent(rolling?["maxSurge"]) ?? .count(0)
        minReadySeconds = spec?["minReadySeconds"]?.int ?? 0
        revisionHistoryLimit = Int(clamping: spec?["revisionHistoryLimit"]?.int ?? 10)
    }

    var maxSurge: Int64 { surge.resolved(of: 1, roundingUp: true) }

    func fits(_ node: Object) -> Fit {
        let template = object.tree[path: "spec", "template"]
        let spec = template?["spec"]
        if let name = spec?["nodeName"]?.string, !name.isEmpty, name != node.metadata.name {
            return Fit(shouldRun: false, shouldContinue: false)
        }
        guard NodeSelection.matches(spec, node: node) else { return Fit(shouldRun: false, shouldContinue: false) }
        let tolerations = DaemonSetPodTemplate.tolerations(spec)
        if !Taints.untolerated(node.tree, tolerations: tolerations, effects: ["NoExecute"]).isEmpty {
            return Fit(shouldRun: false, shouldContinue: false)
        }
        let isFree = Taints.untolerated(node.tree, tolerations: tolerations, effects: ["NoSchedule"]).isEmpty
        return Fit(shouldRun: isFree, shouldContinue: true)
    }
}
