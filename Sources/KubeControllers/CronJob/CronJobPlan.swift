import KubeObject

/// The next step of a cron job, decided from the cron job and its jobs.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
struct CronJobPlan {
    /// The job to start.
    var create: JSON?
    /// Jobs to delete: replaced ones, and finished ones past the history limits.
    var delete: [Metadata] = []
    var status: JSON
    var events: [(type: EventRecorder.EventType, reason: String, message: String)] = []
    var secondsUntilNextLook: Double?

    /// So many missed starts are counted before the clock is taken to be wrong.
    private static let manyMissed = 100

    init(_ object: Object, jobs: [Object], now: Double) {
        let spec = object.tree["spec"] ?? [:]
        status = object.tree["status"] ?? [:]
        noteJobs(jobs, now: now)
        cleanUp(jobs, spec)
        guard object.metadata.deletionTimestamp == nil, spec["suspend"]?.bool != true else { return }

        let schedule: CronSchedule
        do throws(CronSchedule.ParseError) {
            schedule = try CronSchedule(spec["schedule"]?.string ?? "", zone: spec["timeZone"]?.string)
        } catch {
            let text = spec["schedule"]?.string ?? ""
            if error.description.hasPrefix("unknown time zone") {
                events.append((.warning, "UnknownTimeZone", "invalid timeZone: \"\(spec["timeZone"]?.string ?? "")\": \(error)"))
            } else {
                events.append((.warning, "UnparseableSchedule", "unparseable schedule: \"\(text)\" : \(error)"))
            }
            return
        }
        let deadline = spec["startingDeadlineSeconds"]?.int
        var earliest = (status["lastScheduleTime"]?.string ?? object.metadata.creationTimestamp).timestamp ?? now
        if let deadline { earliest = max(earliest, now - Double(deadline)) }
        guard schedule.next(after: earliest) != nil else {
            // As February 31: upstream finds out by two starts that are the same time, and says so.
            let text = spec["schedule"]?.string ?? ""
            let why = "time difference between two schedules is less than 1 second"
            events.append((.warning, "InvalidSchedule", "invalid schedule: \(text) : \(why)"))
            return
        }
        let (latest, missed) = Self.missed(schedule, after: earliest, now: now)
        if let next = schedule.next(after: now) { secondsUntilNextLook = next - now + 0.1 }
        guard let latest else { return }
        if missed > Self.manyMissed {
            events.append(
                (
                    .warning, "TooManyMissedTimes",
                    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
                ))
        }
        if let deadline, latest + Double(deadline) < now {
            events.append((.warning, "MissSchedule", "Missed scheduled time to start a job: \(Timestamp.formatRFC1123(latest))"))
            return
        }
        start(object, spec, jobs: jobs, at: latest)
    }

    private mutating func start(_ object: Object, _ spec: JSON, jobs: [Object], at time: Double) {
        let active = jobs.filter { !JobView($0).isFinished && $0.metadata.deletionTimestamp == nil }
        let name = "\(object.metadata.name)-\(Int64(time / 60))"
        // Its own record of the start may have been lost; the job is there.
        let isStarted = jobs.contains { $0.metadata.name == name }
        switch spec["concurrencyPolicy"]?.string {
        case "Forbid" where !active.isEmpty && !isStarted:
            events.append(
                (
                    .normal, "JobAlreadyActive",
                    "Not starting job because prior execution is running and concurrency policy is Forbid"
                ))
            return
        case "Replace" where !isStarted: delete += active.map(\.metadata)
        default: break
        }
        status["lastScheduleTime"] = .string(Timestamp.format(time))
        guard !isStarted else { return }
        let template = spec["jobTemplate"] ?? [:]
        var metadata: JSON = [
            "name": .string(name), "namespace": .string(object.metadata.namespace),
            "ownerReferences": [ControllerOwnership.reference(to: object).tree],
        ]
        metadata["labels"] = template[path: "metadata", "labels"]
        var annotations = template[path: "metadata", "annotations"]?.stringMap ?? [:]
        annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = Timestamp.format(time)
        metadata["annotations"] = JSON(annotations)
        create = ["apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"] ?? [:]]
    }

    /// The last start up to now that wasn't made, and about how many weren't.
    static func missed(_ schedule: CronSchedule, after earliest: Double, now: Double) -> (latest: Double?, count: Int) {
        guard let first = schedule.next(after: earliest), first <= now else { return (nil, 0) }
        guard let second = schedule.next(after: first), second <= now else { return (first, 1) }
        var time = second
        var count = 2
        let interval = second - first
        let estimate = (now - first) / interval
        if estimate > 200 {
            // After a long sleep there may be millions: only the last few are looked at, further back where there are gaps.
            count = Int(estimate)
            var window = interval * 100
            while window < now - second {
                if let later = schedule.next(after: now - window), later <= now {
                    time = later
                    break
                }
                window *= 10
            }
        }
        while let next = schedule.next(after: time), next <= now {
            time = next
            count += 1
        }
        return (time, count)
    }

    /// Active jobs are listed, finished ones noted.
    private mutating func noteJobs(_ jobs: [Object], now: Double) {
        var active: [JSON] = []
        let known = Set(status["active"]?.elements.compactMap { $0["uid"]?.string } ?? [])
        for job in jobs.sorted(by: { $0.metadata.name < $1.metadata.name }) {
            let view = JobView(job)
            guard view.isFinished else {
                active.append([
                    "apiVersion": .string(job.apiVersion), "kind": "Job", "name": .string(job.metadata.name),
                    "namespace": .string(job.metadata.namespace), "uid": .string(job.metadata.uid),
                    "resourceVersion": .string(String(job.metadata.resourceVersion)),
                ])
                continue
            }
            let outcome = view.hasCondition("Complete") ? "Complete" : "Failed"
            if known.contains(job.metadata.uid) {
                events.append((.normal, "SawCompletedJob", "Saw completed job: \(job.metadata.name), condition: \(outcome)"))
            }
            if outcome == "Complete", let time = view.status["completionTime"]?.string,
                time > status["lastSuccessfulTime"]?.string ?? ""
            {
                status["lastSuccessfulTime"] = .string(time)
            }
        }
        let present = Set(jobs.map(\.metadata.uid))
        for entry in status["active"]?.elements ?? [] where !present.contains(entry["uid"]?.string ?? "") {
            events.append((.normal, "MissingJob", "Active job went missing: \(entry["name"]?.string ?? "")"))
        }
        status["active"] = active.isEmpty ? nil : .array(active)
    }

    private mutating func cleanUp(_ jobs: [Object], _ spec: JSON) {
        for (type, key, fallback) in [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
            as [(String, String, Int64)]
        {
            let limit = Int(clamping: spec[key]?.int ?? fallback)
            let finished = jobs.filter { JobView($0).hasCondition(type) && $0.metadata.deletionTimestamp == nil }.sorted {
                let (left, right) = (
                    $0.tree[path: "status", "startTime"]?.string ?? "~", $1.tree[path: "status", "startTime"]?.string ?? "~"
                )
                return left == right ? $0.metadata.name < $1.metadata.name : left < right
            }
            delete += finished.prefix(max(0, finished.count - limit)).map(\.metadata)
        }
    }
}

extension String {
    /// Seconds since 1970 of an API time.
    var timestamp: Double? { Timestamp.parse(self) }
}
