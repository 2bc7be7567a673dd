import KubeObject

/// The next step of a job, decided from the job and its pods.
///
/// Ended pods are counted exactly once: each has a finalizer; its uid is first written into the status as uncounted; only then does
/// the finalizer go; and when it is gone the uid becomes a number. A crash at any point leaves enough to go on from.
/// Source: KEP-2307 (job tracking without lingering pods)
struct JobPlan {
    /// The status to write first.
    var status: JSON
    /// The pods that may lose their finalizer once the status is written.
    var release: [Metadata] = []
    /// The pods to delete.
    var delete: [Metadata] = []
    /// The completion index of each pod to create; nil where the job has none. With it, how often that index has failed.
    var create: [(index: Int?, failures: Int)] = []
    /// What to tell the user, once.
    var events: [(type: EventRecorder.EventType, reason: String, message: String)] = []
    var secondsUntilNextLook: Double?

    static let burst = 500

    init(_ object: Object, pods: [Object], now: Double) {
        let job = JobView(object)
        status = job.status
        let jobPods = pods.map { JobPod($0, of: job) }
        guard !job.isFinished else {
            // Whoever still has the finalizer was counted, or will never be.
            release = jobPods.filter(\.isTracked).map(\.pod.metadata)
            return
        }
        var planner = JobPlanner(job: job, pods: jobPods, now: now)
        planner.plan()
        status = planner.status
        release = planner.release
        delete = planner.delete
        create = planner.create
        events = planner.events
        secondsUntilNextLook = planner.secondsUntilNextLook
    }
}

/// The working state of one plan.
struct JobPlanner {
    let job: JobView
    let pods: [JobPod]
    let now: Double

    var status: JSON
    var conditions: [Condition]
    var release: [Metadata] = []
    var delete: [Metadata] = []
    var create: [(index: Int?, failures: Int)] = []
    var events: [(type: EventRecorder.EventType, reason: String, message: String)] = []
    var secondsUntilNextLook: Double?

    var counts = JobCounts()
    var failJob: String?

    init(job: JobView, pods: [JobPod], now: Double) {
        self.job = job
        self.pods = pods
        self.now = now
        status = job.status
        conditions = job.conditions
        counts = JobCounts(job)
    }

    private var time: String { Timestamp.format(now) }
    private var active: [JobPod] { pods.filter(\.pod.isActive) }
    private var terminating: [JobPod] { pods.filter(\.isTerminating) }

    mutating func plan() {
        if status["startTime"] == nil, !job.isSuspended { status["startTime"] = .string(time) }
        countEndedPods()
        decideEnd()
        if let outcome = conditions[type: "FailureTarget"] ?? conditions[type: "SuccessCriteriaMet"], outcome.status == .true {
            delete = active.map(\.pod.metadata)
            finish(outcome)
        } else if job.isSuspended {
            suspend()
        } else {
            resume()
            manage()
        }
        watchDeadline()
        writeStatus()
    }

    /// Ended pods become uncounted; uncounted ones without finalizer become numbers.
    private mutating func countEndedPods() {
        let tracked = Set(pods.filter(\.isTracked).map(\.uid))
        counts.settle { !tracked.contains($0) }
        for pod in pods where pod.isTracked {
            if pod.isSucceeded {
                counts.succeeded(pod, in: job)
                release.append(pod.pod.metadata)
            } else if pod.isFailed {
                // Without an end that was seen, a pod that is merely being deleted keeps its finalizer while the job goes on.
                switch PodFailurePolicy.decide(pod, rules: job.failureRules) {
                case .ignore: break
                case .failJob(let message):
                    failJob = failJob ?? message
                    counts.failed(pod)
                case .failIndex:
                    counts.failed(pod)
                    counts.failIndex(pod, in: job)
                case .count:
                    counts.failed(pod)
                    if let limit = job.backoffLimitPerIndex, pod.earlierIndexFailures + 1 > limit {
                        counts.failIndex(pod, in: job)
                    }
                }
                release.append(pod.pod.metadata)
            }
        }
    }

    private mutating func decideEnd() {
        guard conditions[type: "FailureTarget"] == nil, conditions[type: "SuccessCriteriaMet"] == nil else { return }
        func fail(_ reason: String, _ message: String) -> Condition {
            Condition("FailureTarget", .true, reason: reason, message: message, lastTransitionTime: time, lastProbeTime: time)
        }
        let isSucceeded = counts.isSuccessful(job)
        if let failJob {
            conditions.append(fail("PodFailurePolicy", failJob))
        } else if counts.totalFailed > job.backoffLimit || restartsExceedLimit {
            conditions.append(fail("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
        } else if let limit = job.activeDeadlineSeconds, !job.isSuspended, let start = job.startTime, now - start >= Double(limit)
        {
            conditions.append(fail("DeadlineExceeded", "Job was active longer than specified deadline"))
        } else if let limit = job.maxFailedIndexes, counts.failedIndexes.count > limit {
            conditions.append(
                fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"))
        } else if let rule = counts.matchedSuccessRule(job) {
            conditions.append(
                Condition(
                    "SuccessCriteriaMet", .true, reason: "SuccessPolicy", message: "Matched rules at index \(rule)",
                    lastTransitionTime: time, lastProbeTime: time))
        } else if isSucceeded || (job.completions == nil && counts.totalSucceeded > 0 && active.isEmpty && terminating.isEmpty) {
            conditions.append(
                Condition(
                    "SuccessCriteriaMet", .true, reason: "CompletionsReached",
                    message: "Reached expected number of succeeded pods",
                    lastTransitionTime: time, lastProbeTime: time))
        } else if let completions = job.completions, job.isIndexed, !counts.failedIndexes.isEmpty,
            counts.failedIndexes.count + counts.completedIndexes.count >= completions
        {
            conditions.append(fail("FailedIndexes", "Job has failed indexes"))
        }
    }

    /// Containers that are restarted in place count against the limit too.
    private var restartsExceedLimit: Bool {
        guard job.spec[path: "template", "spec", "restartPolicy"]?.string == "OnFailure" else { return false }
        let restarts = pods.filter { $0.pod.phase == .running || $0.pod.phase == .pending }.reduce(Int64(0)) { sum, pod in
            let status = pod.pod.object.tree["status"]
            let all = (status?["containerStatuses"]?.elements ?? []) + (status?["initContainerStatuses"]?.elements ?? [])
            return sum + all.reduce(0) { $0 + ($1["restartCount"]?.int ?? 0) }
        }
        return job.backoffLimit == 0 ? restarts > 0 : restarts >= Int64(job.backoffLimit)
    }

    /// Says how the job ended, when its last pod has.
    private mutating func finish(_ outcome: Condition) {
        guard active.isEmpty, terminating.isEmpty, counts.isSettled else { return }
        let isSuccess = outcome.type == "SuccessCriteriaMet"
        conditions.append(
            Condition(
                isSuccess ? "Complete" : "Failed", .true, reason: outcome.reason, message: outcome.message,
                lastTransitionTime: time,
                lastProbeTime: time))
        if isSuccess {
            status["completionTime"] = .string(time)
            events.append((.normal, "Completed", "Job completed"))
        } else {
            events.append((.warning, outcome.reason, outcome.message))
        }
    }

    private mutating func suspend() {
        delete = active.map(\.pod.metadata)
        guard conditions[type: "Suspended"]?.status != .true else { return }
        status["startTime"] = nil
        conditions.update(
            Condition(
                "Suspended", .true, reason: "JobSuspended", message: "Job suspended", lastTransitionTime: time,
                lastProbeTime: time))
        events.append((.normal, "Suspended", "Job suspended"))
    }

    private mutating func resume() {
        guard conditions[type: "Suspended"]?.status == .true else { return }
        status["startTime"] = .string(time)
        conditions.update(
            Condition(
                "Suspended", .false, reason: "JobResumed", message: "Job resumed", lastTransitionTime: time, lastProbeTime: time))
        events.append((.normal, "Resumed", "Job resumed"))
    }

    /// Creates what is missing and deletes what is too much.
    private mutating func manage() {
        var active = active
        if job.isIndexed {
            let surplus = surplusIndexes(active)
            delete += surplus.map(\.pod.metadata)
            active.removeAll { pod in surplus.contains { $0.uid == pod.uid } }
        }
        let wanted: Int
        if let completions = job.completions {
            let done = job.isIndexed ? counts.completedIndexes.count + counts.failedIndexes.count : counts.totalSucceeded
            wanted = min(max(completions - done, 0), job.parallelism)
        } else {
            wanted = counts.totalSucceeded > 0 ? min(active.count, job.parallelism) : job.parallelism
        }
        let excess = active.count - wanted
        if excess > 0 {
            delete += PodDeletionOrder.choose(min(excess, JobPlan.burst), of: active.map(\.pod), related: [], now: now).map(
                \.metadata)
            return
        }
        let held = job.replacesOnlyFailed ? terminating.count : 0
        let missing = min(-excess - held, JobPlan.burst)
        guard missing > 0 else { return }
        if job.isIndexed {
            createIndexes(missing, active: active)
        } else if let delay = backOff(pods) {
            secondsUntilNextLook = delay
        } else {
            create = Array(repeating: (nil, 0), count: missing)
        }
    }

    private mutating func createIndexes(_ missing: Int, active: [JobPod]) {
        var taken = Set(active.compactMap(\.index))
        if job.replacesOnlyFailed { taken.formUnion(terminating.compactMap(\.index)) }
        let perIndex = job.backoffLimitPerIndex != nil
        if !perIndex, let delay = backOff(pods) {
            secondsUntilNextLook = delay
            return
        }
        var left = missing
        for index in 0..<(job.completions ?? 0) where left > 0 {
            guard !taken.contains(index), !counts.completedIndexes.contains(index), !counts.failedIndexes.contains(index) else {
                continue
            }
            let own = perIndex ? pods.filter { $0.index == index } : []
            if perIndex, let delay = backOff(own) {
                secondsUntilNextLook = min(secondsUntilNextLook ?? delay, delay)
                continue
            }
            let failed = own.filter { $0.isFailed && PodFailurePolicy.decide($0, rules: job.failureRules) != .ignore }
            create.append((index, failed.map { $0.earlierIndexFailures + 1 }.max() ?? own.map(\.earlierIndexFailures).max() ?? 0))
            left -= 1
        }
    }

    /// Pods whose index is out of range, done, or that another active pod has too.
    private func surplusIndexes(_ active: [JobPod]) -> [JobPod] {
        var seen: Set<Int> = []
        return active.sorted { $0.pod.metadata.creationTimestamp < $1.pod.metadata.creationTimestamp }.filter { pod in
            guard let index = pod.index, index < job.completions ?? 0, !counts.completedIndexes.contains(index) else {
                return true
            }
            return !seen.insert(index).inserted
        }
    }

    /// After failures new pods wait 10 s, doubled with each, at most 10 min.
    /// - Returns: the seconds that are left to wait, nil when none are.
    private func backOff(_ pods: [JobPod]) -> Double? {
        let lastSuccess = pods.filter(\.isSucceeded).map(\.finishedAt).max() ?? 0
        let failures = pods.filter { $0.isFailed && $0.finishedAt > lastSuccess }
        guard let last = failures.map(\.finishedAt).max() else { return nil }
        var delay = 10.0
        for _ in 1..<max(2, failures.count) where failures.count > 1 && delay < 600 { delay *= 2 }
        let left = last + min(delay, 600) - now
        return left > 0 ? left : nil
    }

    private mutating func watchDeadline() {
        guard let limit = job.activeDeadlineSeconds, !job.isSuspended, let start = status["startTime"]?.string,
            let seconds = Timestamp.parse(start)
        else { return }
        let left = max(0, seconds + Double(limit) - now) + 0.1
        secondsUntilNextLook = min(secondsUntilNextLook ?? left, left)
    }

    private mutating func writeStatus() {
        // Pods that this plan deletes are still there, and so are counted.
        status.setCount("active", active.count)
        status["ready"] = .int(Int64(active.count(where: \.pod.isReady)))
        status["terminating"] = .int(Int64(terminating.count))
        counts.write(to: &status, job)
        status["conditions"] = conditions.tree
    }
}
