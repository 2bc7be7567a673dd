import KubeObject
import KubeRegistry
public import KubeStore

/// Binds pods to the cluster's nodes on this machine, of which it puts one into a cluster that has none when its first pod comes.
public struct SchedulerReconciler: Reconciler {
    private let source: any NodeSource
    private let desks = SchedulingDesks()

    public init(source: any NodeSource) { self.source = source }

    public var name: String { SchedulingDecision.schedulerName }
    public var concurrency: Int { 16 }
    public var watched: [String] {
        [
            Key.prefix(Resources.pods), Key.prefix(Resources.nodes), Key.prefix(Resources.daemonSets),
            Key.prefix(Resources.persistentVolumeClaims), Key.prefix(Resources.persistentVolumes),
        ]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        switch event.object.kind {
        case "Pod":
            if event.type != .deleted, Self.isPending(event.object) { return [ObjectName(metadata)] }
            // Room was made.
            let isFreed =
                event.type == .deleted
                || (PodState(event.object).isFinished && !(event.previous.map { PodState($0).isFinished } ?? true))
            return isFreed ? Self.waiting(in: cluster) : []
        case "Node": return Self.hasChanged(event) ? Self.waiting(in: cluster) : []
        case "PersistentVolumeClaim":
            return PodClaims.waitingPods(for: ClaimView(event.object), in: cluster.snapshot)
                .map { ObjectName(namespace: metadata.namespace, name: $0) }
        case "PersistentVolume":
            // One that is free may be what a pod waits for; one that is bound is told by its claim.
            guard event.type != .deleted, VolumeView(event.object).claim == nil else { return [] }
            return Self.waiting(in: cluster) { !PodClaims.references(of: $0).isEmpty }
        case "DaemonSet": return event.type == .added ? [ObjectName(metadata)] : []
        default: return []
        }
    }

    private static func isPending(_ pod: Object) -> Bool {
        let spec = pod.tree["spec"]
        return spec?["nodeName"]?.string ?? "" == "" && pod.metadata.deletionTimestamp == nil
            && spec?["schedulerName"]?.string ?? SchedulingDecision.schedulerName == SchedulingDecision.schedulerName
    }

    private static func waiting(in cluster: LogicalCluster, _ isMeant: (Object) -> Bool = { _ in true }) -> [ObjectName] {
        cluster.snapshot.list(prefix: Key.prefix(Resources.pods)).filter { isPending($0) && isMeant($0) }
            .map { ObjectName($0.metadata) }
    }

    /// Heartbeats change nothing for pods.
    private static func hasChanged(_ event: Event) -> Bool {
        guard let previous = event.previous, event.type == .modified else { return true }
        return previous.metadata.labels != event.object.metadata.labels || previous.tree["spec"] != event.object.tree["spec"]
            || previous.tree[path: "status", "allocatable"] != event.object.tree[path: "status", "allocatable"]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let pod = work.object(Resources.pods) else {
            if work.object(Resources.daemonSets) != nil { _ = try await nodes(work) }
            return .done
        }
        guard Self.isPending(pod) else { return .done }
        let nodes = try await nodes(work)
        try await desks.place(in: work.cluster.id) { assumed in
            try place(pod, on: nodes, assumed, work)
        } perform: {
            try await perform($0, pod, work)
        }
        return .done
    }

    /// What is to be done, and the pod as it will be when that is to bind it.
    private func place(
        _ pod: Object, on nodes: [Object], _ assumed: [String: Object], _ work: Work
    ) throws -> (Step, bound: Object?) {
        let snapshot = work.cluster.snapshot
        let pods = snapshot.list(prefix: Key.prefix(Resources.pods)).map { assumed[$0.metadata.uid] ?? $0 }
        func volumes(on node: Object?) -> PodVolumes {
            PodVolumes(of: pod, node: node, in: .init(snapshot, namespace: pod.metadata.namespace, pods: pods))
        }
        let decision = SchedulingDecision(
            pod, nodes: nodes, pods: pods,
            namespaceLabels: { snapshot.get(Key(Resources.namespaces, namespace: "", name: $0))?.metadata.labels ?? [:] },
            volumeProblem: { volumes(on: $0).problem })
        if case .bind(let name) = decision {
            let bindings = volumes(on: nodes.first { $0.metadata.name == name }).bindings
            // The pod follows when its claims are bound: they tell.
            if !bindings.isEmpty { return (.prepare(bindings, node: name), nil) }
            var tree = pod.tree
            tree[path: "spec", "nodeName"] = .string(name)
            return (.decided(decision), try Object(tree, resourceVersion: pod.metadata.resourceVersion))
        }
        return (.decided(decision), nil)
    }

    private enum Step {
        case decided(SchedulingDecision)
        /// Claims that wait for their first pod get their volumes on its node.
        case prepare([PodVolumes.Binding], node: String)
    }

    private func perform(_ step: Step, _ pod: Object, _ work: Work) async throws {
        switch step {
        case .decided(let decision): try await perform(decision, pod, work)
        case .prepare(let bindings, let node): try await bind(bindings, to: node, work)
        }
    }

    private func bind(_ bindings: [PodVolumes.Binding], to node: String, _ work: Work) async throws {
        for binding in bindings {
            switch binding {
            case .keep(let volume, let claim): try await work.keep(volume, for: claim)
            case .provision(let claim):
                guard claim.selectedNode != node else { continue }
                try await work.change(Resources.persistentVolumeClaims, claim.metadata) { tree in
                    tree[path: "metadata", "annotations", StorageNames.selectedNode] = .string(node)
                }
            }
        }
    }

    private func perform(_ decision: SchedulingDecision, _ pod: Object, _ work: Work) async throws {
        switch decision {
        case .ignore: break
        case .gated:
            try await setCondition(
                Condition("PodScheduled", .false, reason: "SchedulingGated", message: SchedulingDecision.gatedMessage), pod, work)
        case .bind(let node):
            try await work.bind(pod, to: node)
            work.report(
                .normal, "Scheduled", "Successfully assigned \(pod.metadata.namespace)/\(pod.metadata.name) to \(node)",
                about: pod)
        case .unschedulable(let message, let victims, let node):
            work.report(.warning, "FailedScheduling", message, about: pod)
            try await setCondition(
                Condition("PodScheduled", .false, reason: "Unschedulable", message: message), pod,
                nominated: node, work)
            guard !victims.isEmpty else { return }
            let uids = Set(victims)
            for victim in work.snapshot.list(prefix: Key.prefix(Resources.pods)) where uids.contains(victim.metadata.uid) {
                try await preempt(victim, for: pod, on: node, work)
            }
        }
    }

    private func preempt(_ victim: Object, for pod: Object, on node: String, _ work: Work) async throws {
        let time = Timestamp.format(work.now)
        try await work.change(Resources.pods, victim.metadata, subresource: "status") { tree in
            var conditions = [Condition](of: tree["status"])
            conditions.update(
                Condition(
                    "DisruptionTarget", .true, reason: "PreemptionByScheduler",
                    message: "default-scheduler: preempting to accommodate a higher priority pod", lastTransitionTime: time))
            tree[path: "status", "conditions"] = conditions.tree
        }
        work.report(.normal, "Preempted", "Preempted by pod \(pod.metadata.uid) on node \(node)", about: victim)
        try await work.delete(Resources.pods, victim.metadata)
    }

    /// - Parameter nominated: where room is being made for the pod; empty for nowhere, so that no place is kept for it any more.
    private func setCondition(
        _ condition: Condition, _ pod: Object, nominated: String = "", _ work: Work
    ) async throws {
        let current = Condition.find("PodScheduled", in: pod.tree["status"])
        if current?.status == condition.status, current?.reason == condition.reason, current?.message == condition.message,
            nominated == pod.tree[path: "status", "nominatedNodeName"]?.string ?? ""
        {
            return
        }
        var condition = condition
        condition.lastTransitionTime = Timestamp.format(work.now)
        let new = condition
        try await work.change(Resources.pods, pod.metadata, subresource: "status") { tree in
            var conditions = [Condition](of: tree["status"])
            conditions.update(new)
            tree[path: "status", "conditions"] = conditions.tree
            tree[path: "status", "nominatedNodeName"] = nominated.isEmpty ? nil : .string(nominated)
        }
    }

    /// The cluster's nodes that are this machine, in the order of their numbers; the first is made if there is none.
    private func nodes(_ work: Work) async throws -> [Object] {
        let names = MachineNodes.allowed.map(source.nodes.name)
        let found = names.compactMap { work.cluster.snapshot.get(Key(Resources.nodes, namespace: "", name: $0)) }
        return found.isEmpty ? try await firstNode(work).map { [$0] } ?? [] : found
    }

    private func firstNode(_ work: Work) async throws -> Object? {
        let key = Key(Resources.nodes, namespace: "", name: source.nodes.first)
        let tree = source.node(source.nodes.first)
        do {
            let node = try await work.create(tree, Resources.nodes, namespace: "")
            guard let status = tree["status"], node.tree["status"] != status else { return node }
            return try await work.change(Resources.nodes, node.metadata, subresource: "status") { tree in
                // What it was given in this moment, it keeps.
                var status = status
                for (name, amount) in tree[path: "status", "capacity"]?.object ?? [:] where status["capacity"]?[name] == nil {
                    status[path: "capacity", name] = amount
                }
                tree["status"] = status
            }
        } catch let error as StatusError where error.isAlreadyExists {
            return work.cluster.snapshot.get(key)
        }
    }
}
