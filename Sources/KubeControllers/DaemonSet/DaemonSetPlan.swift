import KubeObject

/// The next step of a daemon set, decided from the set, the nodes and its pods.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
struct DaemonSetPlan {
    /// The nodes to make pods for.
    var create: [String] = []
    /// Pods to delete; `isFailed` for those that are made anew because they came to their end.
    var delete: [(pod: Metadata, isFailed: Bool)] = []
    var status: JSON
    var secondsUntilNextLook: Double?

    /// - Parameter hash: the hash of the newest template's revision.
    init(_ set: Object, nodes: [Object], pods: [Object], hash: String, now: Double) {
        let view = DaemonSetView(set)
        let states = pods.map(PodState.init)
        status = set.tree["status"] ?? [:]
        let byNode = Dictionary(grouping: states) { DaemonSetPodTemplate.node(of: $0.object) ?? $0.nodeName }
        let fits = Dictionary(nodes.map { ($0.metadata.name, view.fits($0)) }, uniquingKeysWith: { first, _ in first })
        secondsUntilNextLook =
            states.compactMap { $0.secondsUntilAvailable(minReadySeconds: view.minReadySeconds, now: now) }.min()

        if set.metadata.deletionTimestamp == nil {
            place(view, fits: fits, byNode: byNode, now: now)
            if view.isRolling { roll(view, fits: fits, byNode: byNode, hash: hash, now: now) }
        }
        writeStatus(view, fits: fits, byNode: byNode, hash: hash, now: now)
    }

    /// One pod on each node that is to have one, none on the others.
    private mutating func place(
        _ view: DaemonSetView, fits: [String: DaemonSetView.Fit], byNode: [String: [PodState]], now: Double
    ) {
        for (node, fit) in fits.sorted(by: { $0.key < $1.key }) {
            let own = byNode[node] ?? []
            guard fit.shouldRun else {
                if !fit.shouldContinue { delete += own.filter { !$0.isTerminating }.map { ($0.metadata, false) } }
                continue
            }
            let ended = own.filter { $0.phase == .failed && !$0.isTerminating }
            delete += ended.map { ($0.metadata, true) }
            let alive = own.filter { !$0.isTerminating && $0.phase != .failed }.sorted {
                $0.metadata.creationTimestamp < $1.metadata.creationTimestamp
            }
            if own.isEmpty {
                create.append(node)
            } else if view.maxSurge == 0, alive.count > 1 {
                delete += alive.dropFirst().map { ($0.metadata, false) }
            }
        }
        // What sits on a node that isn't there any more is the pod collector's.
    }

    private mutating func roll(
        _ view: DaemonSetView, fits: [String: DaemonSetView.Fit], byNode: [String: [PodState]], hash: String, now: Double
    ) {
        let wanted = fits.filter { $0.value.shouldRun }.keys.sorted()
        let limit = Int64(wanted.count)
        let maxSurge = view.surge.resolved(of: limit, roundingUp: true)
        var maxUnavailable = view.unavailable.resolved(of: limit, roundingUp: true)
        if maxSurge == 0, maxUnavailable == 0 { maxUnavailable = 1 }
        var unavailable: Int64 = 0
        var surging: Int64 = 0
        var replace: [Metadata] = []
        var surge: [String] = []
        for node in wanted {
            let own = (byNode[node] ?? []).filter { !$0.isTerminating && !$0.isFinished }
            let new = own.first { $0.metadata.labels[RevisionHistory.hashLabel] == hash }
            let old = own.first { $0.metadata.labels[RevisionHistory.hashLabel] != hash }
            func isAvailable(_ pod: PodState?) -> Bool {
                pod?.isAvailable(minReadySeconds: view.minReadySeconds, now: now) ?? false
            }
            if maxSurge > 0 {
                guard let old else { continue }
                if let new {
                    if isAvailable(new) { replace.append(old.metadata) } else { surging += 1 }
                } else if isAvailable(old) {
                    surge.append(node)
                } else {
                    // It serves nobody; its successor needn't come first.
                    replace.append(old.metadata)
                }
                continue
            }
            if let old, new == nil {
                if isAvailable(old) {
                    replace.append(old.metadata)
                } else {
                    delete.append((old.metadata, false))
                    unavailable += 1
                }
            } else if !isAvailable(new) {
                unavailable += 1
            }
        }
        if maxSurge > 0 {
            delete += replace.map { ($0, false) }
            create += surge.prefix(Int(max(0, maxSurge - surging)))
        } else {
            delete += replace.prefix(Int(max(0, maxUnavailable - unavailable))).map { ($0, false) }
        }
    }

    private mutating func writeStatus(
        _ view: DaemonSetView, fits: [String: DaemonSetView.Fit], byNode: [String: [PodState]], hash: String, now: Double
    ) {
        var current = 0
        var desired = 0
        var misscheduled = 0
        var ready = 0
        var available = 0
        var updated = 0
        for (node, fit) in fits {
            let pods = (byNode[node] ?? []).sorted { $0.metadata.creationTimestamp < $1.metadata.creationTimestamp }
            guard fit.shouldRun else {
                if !pods.isEmpty { misscheduled += 1 }
                continue
            }
            desired += 1
            guard let oldest = pods.first else { continue }
            current += 1
            let serving = pods.first { $0.isReady && !$0.isTerminating }
            if serving != nil { ready += 1 }
            if serving?.isAvailable(minReadySeconds: view.minReadySeconds, now: now) ?? false { available += 1 }
            if (pods.last ?? oldest).metadata.labels[RevisionHistory.hashLabel] == hash { updated += 1 }
        }
        status["currentNumberScheduled"] = .int(Int64(current))
        status["desiredNumberScheduled"] = .int(Int64(desired))
        status["numberMisscheduled"] = .int(Int64(misscheduled))
        status["numberReady"] = .int(Int64(ready))
        status.setCount("numberAvailable", available)
        status.setCount("numberUnavailable", desired - available)
        status.setCount("updatedNumberScheduled", updated)
        status["observedGeneration"] = .int(view.object.metadata.generation)
    }
}
