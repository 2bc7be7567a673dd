import KubeObject
public import KubeStore

/// Runs jobs' pods to their end. What to do next is `JobPlan`'s to say.
public struct JobReconciler: Reconciler {
    public init() {}

    public var name: String { "job-controller" }
    public var watched: [String] { [Key.prefix(Resources.jobs), Key.prefix(Resources.pods)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        // A deleted job's pods still have finalizers.
        if event.object.kind == "Job" { return [ObjectName(event.object.metadata)] }
        return PodOwners.keys(for: event, kind: "Job") { metadata in
            cluster.snapshot.list(prefix: Key.prefix(Resources.jobs, namespace: metadata.namespace)).filter {
                guard let selector = Self.selector(of: $0), !selector.isEmpty else { return false }
                return selector.matches(metadata.labels)
            }
        }
    }

    private static func selector(of job: Object) -> LabelSelector? {
        job.tree[path: "spec", "selector"].flatMap { try? LabelSelector($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let job = work.object(Resources.jobs), job.metadata.deletionTimestamp == nil else {
            let orphans = work.list(Resources.pods).filter {
                $0.metadata.controller?.kind == "Job" && $0.metadata.controller?.name == work.name
            }
            try await release(orphans.map(\.metadata), work)
            return .done
        }
        guard let selector = Self.selector(of: job), !selector.isEmpty, !JobView(job).isManagedElsewhere else { return .done }
        let ownership = ControllerOwnership(owner: job, selector: selector, candidates: work.list(Resources.pods))
        for pod in ownership.toAdopt {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.adopt(&tree, by: job)
                let finalizers = tree[path: "metadata", "finalizers"]?.strings ?? []
                tree[path: "metadata", "finalizers"] = JSON(finalizers + [JobView.tracking])
            }
        }
        for pod in ownership.toRelease {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.release(&tree, from: job.metadata.uid)
                Self.removeFinalizer(&tree)
            }
        }
        let plan = JobPlan(job, pods: ownership.owned, now: work.now)
        try await work.writeStatus(plan.status, of: job, Resources.jobs)
        for event in plan.events { work.report(event.type, event.reason, event.message, about: job) }
        try await release(plan.release, work)
        try await concurrently(plan.delete) { pod in
            try await work.delete(Resources.pods, pod)
            work.report(.normal, "SuccessfulDelete", "Deleted pod: \(pod.name)", about: job)
        }
        try await create(plan.create, of: job, work)
        return .after(seconds: plan.secondsUntilNextLook)
    }

    private func create(_ pods: [(index: Int?, failures: Int)], of job: Object, _ work: Work) async throws {
        let view = JobView(job)
        let trees = pods.map { JobPodTemplate.make(view, index: $0.index, failures: $0.failures) }
        do {
            try await SlowStart.run(trees.count) { index in
                let created = try await work.create(trees[index], Resources.pods)
                work.report(.normal, "SuccessfulCreate", "Created pod: \(created.metadata.name)", about: job)
            }
        } catch let error as StatusError where error.isNamespaceTerminating {
            throw error
        } catch {
            work.report(.warning, "FailedCreate", "Error creating: \(error)", about: job)
            throw error
        }
    }

    private func release(_ pods: [Metadata], _ work: Work) async throws {
        try await concurrently(pods.filter { $0.finalizers.contains(JobView.tracking) }) { pod in
            do {
                try await work.change(Resources.pods, pod) { tree throws(StatusError) in Self.removeFinalizer(&tree) }
            } catch let error as StatusError where error.isNotFound || error.isConflict {
                // Gone or replaced: nothing to release.
            }
        }
    }

    private static func removeFinalizer(_ tree: inout JSON) {
        let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != JobView.tracking }
        tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
    }
}
