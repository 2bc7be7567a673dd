import KubeObject
import Testing

@testable import KubeControllers

@Suite struct CronScheduleTests {
    @Test(
        arguments: [
            ("*/15 * * * *", nil, "2026-03-01T10:07:30Z", "2026-03-01T10:15:00Z"),
            ("0 0 1 1 *", nil, "2026-03-01T10:07:30Z", "2027-01-01T00:00:00Z"),
            ("@hourly", nil, "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"),
            ("@every 90s", nil, "2026-03-01T10:00:00Z", "2026-03-01T10:01:30Z"),
            ("30 9 * * mon-fri", nil, "2026-03-06T10:00:00Z", "2026-03-09T09:30:00Z"),
            ("0 12 * * 7", nil, "2026-03-02T00:00:00Z", "2026-03-08T12:00:00Z"),
            // Either of day and weekday, when both are restricted.
            ("0 0 13 * 5", nil, "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
            ("0 0 29 2 *", nil, "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 8 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T06:00:00Z"),
            ("0 8 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-28T07:00:00Z"),
        ] as [(String, String?, String, String)])
    func findsTheNextTime(text: String, zone: String?, now: String, expected: String) throws {
        let schedule = try CronSchedule(text, zone: zone)
        #expect(try schedule.next(after: #require(now.timestamp)).map(Timestamp.format) == expected)
    }

    @Test(
        arguments: [
            ("*/15 * * * *", "2026-03-01T10:07:30Z", "2026-03-01T10:00:00Z"),
            ("* * * * *", "2026-03-01T10:07:00Z", "2026-03-01T10:07:00Z"),
            ("0 20 * * mon-fri", "2026-03-02T10:00:00Z", "2026-02-27T20:00:00Z"),
            ("0 0 1 1 *", "2026-03-01T10:07:30Z", "2026-01-01T00:00:00Z"), ("0 0 29 2 *", "2026-03-01T00:00:00Z", nil),
            ("@every 90s", "2026-03-01T10:00:00Z", nil),
        ] as [(String, String, String?)])
    func findsTheLastTime(text: String, now: String, expected: String?) throws {
        let last = try CronSchedule(text).last(until: #require(now.timestamp))
        #expect(last.map(Timestamp.format) == expected)
    }

    @Test func someNeverFire() throws {
        #expect(try CronSchedule("0 0 31 2 *").next(after: Samples.now) == nil)
    }

    @Test(arguments: [
        "", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "x * * * *", "@every", "@every 5",
        "@every 9223372036854775807h",
    ])
    func refusesWhatIsNoSchedule(text: String) {
        #expect(throws: CronSchedule.ParseError.self) { try CronSchedule(text) }
    }

    @Test func refusesUnknownZones() {
        #expect(throws: CronSchedule.ParseError.self) { try CronSchedule("* * * * *", zone: "Mars/Olympus") }
    }
}

@Suite struct CronJobPlanTests {
    func cronJob(_ spec: JSON = [:], last: Double? = 90, status: JSON = [:]) throws -> Object {
        var tree: JSON = [
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": ["name": "tick", "namespace": "default", "uid": "c", "creationTimestamp": .string(Samples.ago(7200))],
            "spec": ["schedule": "* * * * *", "jobTemplate": ["spec": ["template": [:]]]], "status": status,
        ]
        for (key, value) in spec.object ?? [:] { tree[path: "spec", key] = value }
        if let last { tree[path: "status", "lastScheduleTime"] = .string(Samples.ago(last)) }
        return try Samples.object(tree)
    }

    func job(_ name: String, finished: String? = nil, started: Double = 60) throws -> Object {
        try Samples.object([
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string(name)],
            "status": [
                "startTime": .string(Samples.ago(started)), "completionTime": .string(Samples.ago(started)),
                "conditions": finished.map { [["type": .string($0), "status": "True"]] } ?? [],
            ],
        ])
    }

    func plan(_ cronJob: Object, _ jobs: [Object] = [], at offset: Double = 30) -> CronJobPlan {
        CronJobPlan(cronJob, jobs: jobs, now: Samples.now + offset)
    }

    @Test func startsTheLastMissedJob() throws {
        let plan = try plan(cronJob())
        let minute = Int64(Samples.now / 60)
        #expect(plan.create?[path: "metadata", "name"]?.string == "tick-\(minute)")
        #expect(
            plan.create?[path: "metadata", "annotations", "batch.kubernetes.io/cronjob-scheduled-timestamp"]?.string
                == Timestamp.format(Samples.now))
        #expect(plan.status["lastScheduleTime"]?.string == Timestamp.format(Samples.now))
        #expect(plan.secondsUntilNextLook.map { abs($0 - 30.1) < 0.01 } ?? false)
    }

    @Test func aCrashAfterTheStartMakesNoSecondJob() throws {
        let plan = try plan(cronJob(), [job("tick-\(Int64(Samples.now / 60))")])
        #expect(plan.create == nil)
        #expect(plan.status["lastScheduleTime"]?.string == Timestamp.format(Samples.now))
    }

    @Test func policiesDecideWhatMayRunTogether() throws {
        let running = try job("tick-1")
        #expect(try plan(cronJob(), [running]).create != nil)
        let forbidden = try plan(cronJob(["concurrencyPolicy": "Forbid"]), [running])
        #expect(forbidden.create == nil)
        #expect(forbidden.events.map(\.reason) == ["JobAlreadyActive"])
        let replaced = try plan(cronJob(["concurrencyPolicy": "Replace"]), [running])
        #expect(replaced.delete.map(\.name) == ["tick-1"])
        #expect(replaced.create != nil)
    }

    @Test func suspensionAndBadSchedulesStartNothing() throws {
        #expect(try plan(cronJob(["suspend": true])).create == nil)
        let bad = try plan(cronJob(["schedule": "never"]))
        #expect(bad.create == nil)
        #expect(bad.events.map(\.reason) == ["UnparseableSchedule"])
        #expect(bad.secondsUntilNextLook == nil)
    }

    @Test func aScheduleThatNeverComesIsToldOf() throws {
        let never = try plan(cronJob(["schedule": "59 23 31 2 *"]))
        #expect(never.create == nil)
        #expect(never.events.map(\.reason) == ["InvalidSchedule"])
        #expect(
            never.events.first?.message
                == "invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second")
        #expect(never.secondsUntilNextLook == nil)
        // A leap day comes.
        #expect(try plan(cronJob(["schedule": "0 0 29 2 *"])).events.isEmpty)
    }

    @Test func whatIsTooLateIsMissed() throws {
        let hourly: JSON = ["schedule": "0 * * * *", "startingDeadlineSeconds": 20]
        #expect(try plan(cronJob(hourly), at: 10).create != nil)
        #expect(try plan(cronJob(hourly), at: 30).create == nil)
    }

    @Test func aLongSleepCountsWithoutWalking() throws {
        let schedule = try CronSchedule("* * * * *")
        let (latest, count) = CronJobPlan.missed(schedule, after: Samples.now - 3 * 365 * 86400, now: Samples.now + 30)
        #expect(latest == Samples.now)
        #expect(count > 1_000_000)
        let few = CronJobPlan.missed(schedule, after: Samples.now - 300, now: Samples.now + 30)
        #expect(few.latest == Samples.now && few.count == 5)
    }

    @Test func historyIsLimited() throws {
        let jobs =
            try (0..<5).map { try job("ok-\($0)", finished: "Complete", started: Double(1000 - $0)) }
            + (0..<3).map { try job("bad-\($0)", finished: "Failed", started: Double(1000 - $0)) }
        let plan = try plan(cronJob(status: ["active": [["uid": "ok-4", "name": "ok-4"]]]), jobs)
        #expect(plan.delete.map(\.name) == ["ok-0", "ok-1", "bad-0", "bad-1"])
        #expect(plan.status["lastSuccessfulTime"]?.string == Samples.ago(996))
        #expect(plan.events.map(\.message) == ["Saw completed job: ok-4, condition: Complete"])
    }
}
