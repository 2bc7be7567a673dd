import KubeObject
import KubeSchema
public import KubeStore

/// Rolls deployments out. What to do next is `DeploymentPlan`'s to say.
public struct DeploymentReconciler: Reconciler {
    public init() {}

    public var name: String { "deployment-controller" }
    public var concurrency: Int { 16 }
    public var watched: [String] {
        [Key.prefix(Resources.deployments), Key.prefix(Resources.replicaSets), Key.prefix(Resources.pods)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        switch event.object.kind {
        case "Deployment": return event.type == .deleted ? [] : [ObjectName(event.object.metadata)]
        case "ReplicaSet":
            return PodOwners.keys(for: event, kind: "Deployment") { metadata in
                cluster.snapshot.list(prefix: Key.prefix(Resources.deployments, namespace: metadata.namespace)).filter {
                    guard let selector = Self.selector(of: $0), !selector.isEmpty else { return false }
                    return selector.matches(metadata.labels)
                }
            }
        default:
            // Of pods only the last one's end matters, to deployments that recreate; everything else is in the sets' status.
            guard event.type == .deleted, let set = event.object.metadata.controller, set.kind == "ReplicaSet" else { return [] }
            let namespace = event.object.metadata.namespace
            let snapshot = cluster.snapshot
            let controller = snapshot.get(Key(Resources.replicaSets, namespace: namespace, name: set.name))?.metadata.controller
            guard let controller, controller.kind == "Deployment",
                let deployment = snapshot.get(Key(Resources.deployments, namespace: namespace, name: controller.name)),
                deployment.tree[path: "spec", "strategy", "type"]?.string == "Recreate"
            else { return [] }
            return [ObjectName(namespace: namespace, name: controller.name)]
        }
    }

    private static func selector(of deployment: Object) -> LabelSelector? {
        deployment.tree[path: "spec", "selector"].flatMap { try? LabelSelector($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let deployment = work.object(Resources.deployments) else { return .done }
        guard let selector = Self.selector(of: deployment) else { return .done }
        if selector.isEmpty {
            work.report(
                .warning, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.",
                about: deployment)
            return .done
        }
        let ownership = ControllerOwnership(owner: deployment, selector: selector, candidates: work.list(Resources.replicaSets))
        for set in ownership.toAdopt {
            try await work.change(Resources.replicaSets, set.metadata) { ControllerOwnership.adopt(&$0, by: deployment) }
        }
        for set in ownership.toRelease {
            try await work.change(Resources.replicaSets, set.metadata) {
                ControllerOwnership.release(&$0, from: deployment.metadata.uid)
            }
        }
        let plan = DeploymentPlan(deployment, sets: ownership.owned, pods: { pods(of: ownership.owned, work) }, now: work.now)
        let view = DeploymentView(deployment)
        for action in plan.actions { try await perform(action, view, ownership.owned, work) }
        try await work.writeStatus(plan.status, of: deployment, Resources.deployments)
        return .after(seconds: plan.secondsUntilNextLook)
    }

    private func pods(of sets: [Object], _ work: Work) -> [PodState] {
        let uids = Set(sets.map(\.metadata.uid))
        return work.list(Resources.pods).filter { $0.metadata.controller.map { uids.contains($0.uid) } ?? false }.map(
            PodState.init)
    }

    private func perform(
        _ action: DeploymentPlan.Action, _ deployment: DeploymentView, _ sets: [Object], _ work: Work
    ) async throws {
        func metadata(_ name: String) -> Metadata? { sets.first { $0.metadata.name == name }?.metadata }
        switch action {
        case .create(let set): try await create(set, deployment, work)
        case .refresh(let name, let annotations, let minReadySeconds):
            guard let metadata = metadata(name) else { return }
            try await work.change(Resources.replicaSets, metadata) { tree in
                for (key, value) in annotations { tree[path: "metadata", "annotations", key] = .string(value) }
                tree[path: "spec", "minReadySeconds"] = minReadySeconds == 0 ? nil : .int(minReadySeconds)
            }
        case .scale(let name, let from, let to):
            guard let metadata = metadata(name) else { return }
            let desired = JSON.string(String(deployment.replicas))
            let maximum = JSON.string(String(deployment.replicas + deployment.maxSurge))
            try await work.change(Resources.replicaSets, metadata) { tree in
                tree[path: "spec", "replicas"] = .int(to)
                tree[path: "metadata", "annotations", DeploymentRevision.desiredReplicas] = desired
                tree[path: "metadata", "annotations", DeploymentRevision.maxReplicas] = maximum
            }
            guard from != to else { return }
            let direction = to > from ? "up" : "down"
            work.report(
                .normal, "ScalingReplicaSet", "Scaled \(direction) replica set \(name) from \(from) to \(to)",
                about: deployment.object)
        case .delete(let name):
            guard let metadata = metadata(name) else { return }
            try await work.delete(Resources.replicaSets, metadata)
        case .setRevision(let revision):
            try await work.change(Resources.deployments, deployment.metadata) {
                $0[path: "metadata", "annotations", DeploymentRevision.revision] = .string(revision)
            }
        }
    }

    private func create(_ set: JSON, _ deployment: DeploymentView, _ work: Work) async throws {
        let name = set[path: "metadata", "name"]?.string ?? ""
        do {
            try await work.create(set, Resources.replicaSets)
        } catch let error as StatusError where error.isAlreadyExists {
            try await resolveCollision(name, deployment, work)
            throw error
        } catch {
            try await reportFailure(error, name: name, deployment, work)
            throw error
        }
        let replicas = set[path: "spec", "replicas"]?.int ?? 0
        if replicas > 0 {
            work.report(
                .normal, "ScalingReplicaSet", "Scaled up replica set \(name) from 0 to \(replicas)", about: deployment.object)
        }
    }

    /// The name is taken. If by our own set of this template, the next plan finds it; otherwise that plan uses another name.
    private func resolveCollision(_ name: String, _ deployment: DeploymentView, _ work: Work) async throws {
        let key = Key(Resources.replicaSets, namespace: work.namespace, name: name)
        if let existing = work.cluster.snapshot.get(key), existing.metadata.controller?.uid == deployment.metadata.uid,
            PodTemplate.isSame(existing.tree[path: "spec", "template"] ?? [:], deployment.template)
        {
            return
        }
        let next = deployment.collisionCount + 1
        try await work.change(Resources.deployments, deployment.metadata, subresource: "status") {
            $0[path: "status", "collisionCount"] = .int(next)
        }
    }

    private func reportFailure(_ error: any Error, name: String, _ deployment: DeploymentView, _ work: Work) async throws {
        let message = "Failed to create new replica set \"\(name)\": \(error)"
        work.report(.warning, "ReplicaSetCreateError", message, about: deployment.object)
        guard deployment.progressDeadlineSeconds != nil else { return }
        var conditions = [Condition](of: deployment.status)
        conditions.set(DeploymentProgress.condition(.false, "ReplicaSetCreateError", message, now: work.now))
        var status = deployment.status ?? [:]
        status["conditions"] = conditions.tree
        try await work.writeStatus(status, of: deployment.object, Resources.deployments)
    }
}
