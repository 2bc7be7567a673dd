import KubeObject

/// The next step of a deployment, decided from the deployment, its replica sets and (to recreate) its pods.
///
/// One plan is one step, as one of upstream's syncs: the changes it makes bring the next event, and with it the next plan. So a crash
/// between two steps loses nothing.
struct DeploymentPlan {
    enum Action: Equatable {
        /// Make the replica set of the newest template. When the name is taken by something else, `collisionCount` is
        /// raised and the next plan uses another name.
        case create(JSON)
        /// Bring annotations and `minReadySeconds` of the newest replica set up to date.
        case refresh(name: String, annotations: [String: String], minReadySeconds: Int64)
        case scale(name: String, from: Int64, to: Int64)
        case delete(name: String)
        /// Write the revision into the deployment's own annotations.
        case setRevision(String)
    }

    var actions: [Action] = []
    /// The status to write after the actions; equal to the old one when nothing changed.
    var status: JSON
    var secondsUntilNextLook: Double?

    /// - Parameters:
    ///   - sets: the replica sets that belong to the deployment.
    ///   - pods: the pods of those sets; asked for only when the strategy is to recreate.
    init(_ deployment: Object, sets: [Object], pods: () -> [PodState], now: Double) {
        let deployment = DeploymentView(deployment)
        let views = sets.map(ReplicaSetView.init).sorted(by: ReplicaSetView.isOlder)
        let new = views.first { PodTemplate.isSame($0.template, deployment.template) }
        let old = views.filter { $0.metadata.uid != new?.metadata.uid }
        var conditions = [Condition](of: deployment.status)
        status = deployment.status ?? [:]

        var planner = Planner(deployment: deployment, new: new, old: old, now: now)
        var followsProgress = false
        if deployment.metadata.deletionTimestamp == nil {
            DeploymentProgress.updatePaused(deployment, &conditions, now: now)
            if deployment.isPaused || planner.isScaling {
                planner.refreshNew(&conditions)
                planner.scale(DeploymentScaling.scale(deployment, new: new, old: old))
                if deployment.isPaused { planner.cleanUp() }
            } else {
                followsProgress = true
                if deployment.isRecreate { planner.recreate(pods: pods, &conditions) } else { planner.roll(&conditions) }
                if DeploymentStatus.isComplete(deployment, deployment.status) { planner.cleanUp() }
            }
        }
        actions = planner.actions

        let (counts, withAvailable) = DeploymentStatus.make(deployment, new: new, all: views, conditions: conditions, now: now)
        status = counts
        conditions = withAvailable
        if followsProgress {
            DeploymentProgress.update(deployment, new: new, all: views, status: status, &conditions, now: now)
            secondsUntilNextLook = DeploymentProgress.secondsUntilDeadline(deployment, status: status, conditions, now: now)
        }
        status["conditions"] = conditions.tree
    }
}

/// Collects the actions of one plan.
private struct Planner {
    let deployment: DeploymentView
    let new: ReplicaSetView?
    let old: [ReplicaSetView]
    let now: Double
    var actions: [DeploymentPlan.Action] = []

    /// Whether the deployment's size was changed since its sets were last scaled.
    var isScaling: Bool {
        (old + [new].compactMap { $0 }).contains { set in
            guard set.desired > 0, let annotated = set.annotatedDesired else { return false }
            return annotated != deployment.replicas
        }
    }

    mutating func roll(_ conditions: inout [Condition]) {
        refreshOrCreateNew(&conditions)
        guard let new else { return }
        if new.desired > deployment.replicas {
            actions.append(.scale(name: new.name, from: new.desired, to: deployment.replicas))
        } else if new.desired < deployment.replicas {
            let size = DeploymentScaling.newReplicas(deployment, all: old + [new], current: new.desired)
            if size != new.desired {
                actions.append(.scale(name: new.name, from: new.desired, to: size))
                return
            }
        }
        scale(DeploymentScaling.shrinkOld(deployment, new: new, old: old))
    }

    mutating func recreate(pods: () -> [PodState], _ conditions: inout [Condition]) {
        refreshNew(&conditions)
        let active = old.filter { $0.desired > 0 }
        if !active.isEmpty { return scale(active.map { .init(name: $0.name, replicas: 0) }) }
        let areOldPodsLeft =
            old.contains { $0.actual > 0 }
            || pods().contains { !$0.isFinished && $0.metadata.controller?.uid != new?.metadata.uid }
        if areOldPodsLeft { return }
        if let new {
            if new.desired != deployment.replicas {
                actions.append(.scale(name: new.name, from: new.desired, to: deployment.replicas))
            }
        } else {
            refreshOrCreateNew(&conditions)
        }
    }

    mutating func refreshOrCreateNew(_ conditions: inout [Condition]) {
        guard new == nil else { return refreshNew(&conditions) }
        let replicas = DeploymentScaling.newReplicas(deployment, all: old, current: 0)
        let revision = DeploymentRevision.next(after: old)
        let set = NewReplicaSet.make(deployment, replicas: replicas, revision: revision)
        actions.append(.create(set))
        setRevision(revision)
        if deployment.progressDeadlineSeconds != nil {
            let name = set[path: "metadata", "name"]?.string ?? ""
            conditions.set(
                DeploymentProgress.condition(
                    .true, DeploymentProgress.created, "Created new replica set \"\(name)\"", now: now))
        }
    }

    mutating func refreshNew(_ conditions: inout [Condition]) {
        guard let new else { return }
        let revision = DeploymentRevision.next(after: old)
        let annotations = DeploymentRevision.annotations(of: deployment, revision: revision, existing: new.annotations)
        let minReadySeconds = new.object.tree[path: "spec", "minReadySeconds"]?.int ?? 0
        if annotations != new.annotations || minReadySeconds != deployment.minReadySeconds {
            actions.append(.refresh(name: new.name, annotations: annotations, minReadySeconds: deployment.minReadySeconds))
        }
        setRevision(annotations[DeploymentRevision.revision].flatMap { Int64($0) } ?? revision)
        if deployment.progressDeadlineSeconds != nil, conditions[type: DeploymentProgress.type] == nil {
            conditions.set(
                DeploymentProgress.condition(
                    .true, DeploymentProgress.found, "Found new replica set \"\(new.name)\"", now: now))
        }
    }

    private mutating func setRevision(_ revision: Int64) {
        let current = deployment.object.tree[path: "metadata", "annotations", DeploymentRevision.revision]?.string
        if current != String(revision) { actions.append(.setRevision(String(revision))) }
    }

    mutating func scale(_ sizes: [DeploymentScaling.Size]) {
        let sets = Dictionary(uniqueKeysWithValues: (old + [new].compactMap { $0 }).map { ($0.name, $0) })
        let maximum = deployment.replicas + deployment.maxSurge
        for size in sizes {
            guard let set = sets[size.name] else { continue }
            let isUpToDate = set.annotatedDesired == deployment.replicas && set.annotatedMaximum == maximum
            if set.desired != size.replicas || !isUpToDate {
                actions.append(.scale(name: size.name, from: set.desired, to: size.replicas))
            }
        }
    }

    mutating func cleanUp() {
        actions += DeploymentRevision.surplus(of: old, limit: deployment.revisionHistoryLimit).map { .delete(name: $0.name) }
    }
}
