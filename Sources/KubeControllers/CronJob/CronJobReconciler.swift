import KubeObject
public import KubeStore

/// Starts jobs by the clock. What to do next is `CronJobPlan`'s to say.
public struct CronJobReconciler: Reconciler {
    public init() {}

    public var name: String { "cronjob-controller" }
    public var concurrency: Int { 4 }
    public var restsWithCluster: Bool { true }
    public var watched: [String] { [Key.prefix(Resources.cronJobs), Key.prefix(Resources.jobs)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.object.kind == "CronJob" { return event.type == .deleted ? [] : [ObjectName(event.object.metadata)] }
        return PodOwners.keys(for: event, kind: "CronJob") { _ in [] }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let cronJob = work.object(Resources.cronJobs) else { return .done }
        let jobs = work.list(Resources.jobs).filter { $0.metadata.controller?.uid == cronJob.metadata.uid }
        let plan = CronJobPlan(cronJob, jobs: jobs, now: work.now)
        for event in plan.events { work.report(event.type, event.reason, event.message, about: cronJob) }
        for job in plan.delete {
            try await work.delete(Resources.jobs, job, policy: .background)
            work.report(.normal, "SuccessfulDelete", "Deleted job \(job.name)", about: cronJob)
        }
        var status = plan.status
        if let tree = plan.create {
            do {
                let job = try await work.create(tree, Resources.jobs)
                work.report(.normal, "SuccessfulCreate", "Created job \(job.metadata.name)", about: cronJob)
                let reference: JSON = [
                    "apiVersion": "batch/v1", "kind": "Job", "name": .string(job.metadata.name),
                    "namespace": .string(job.metadata.namespace), "uid": .string(job.metadata.uid),
                    "resourceVersion": .string(String(job.metadata.resourceVersion)),
                ]
                status["active"] = .array((status["active"]?.elements ?? []) + [reference])
            } catch let error as StatusError where error.isAlreadyExists {
                // Somebody's job has the name; this start is done with.
            } catch {
                work.report(.warning, "FailedCreate", "Error creating job: \(error)", about: cronJob)
                throw error
            }
        }
        try await work.writeStatus(status, of: cronJob, Resources.cronJobs)
        return .after(seconds: plan.secondsUntilNextLook)
    }
}
