import KubeObject
import Testing

@testable import KubeControllers

@Suite struct JobPlanTests {
    func job(status: JSON = [:], _ spec: JSON = [:]) throws -> Object {
        var tree: JSON = [
            "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "sum", "namespace": "default", "uid": "j"],
            "spec": ["parallelism": 2, "completions": 4, "backoffLimit": 2, "template": ["spec": ["restartPolicy": "Never"]]],
            "status": status,
        ]
        for (key, value) in spec.object ?? [:] { tree[path: "spec", key] = value.isNull ? nil : value }
        return try Samples.object(tree)
    }

    func pod(
        _ name: String, _ phase: String, index: Int? = nil, tracked: Bool = true, ended: Double = 1000,
        _ change: (inout JSON) -> Void = { _ in }
    ) throws -> Object {
        try Samples.pod(name, owner: "j", phase: phase, readyFor: phase == "Running" ? 10 : nil) {
            if tracked { $0[path: "metadata", "finalizers"] = [.string(JobView.tracking)] }
            if let index { $0[path: "metadata", "annotations"] = [JobView.indexKey: .string(String(index))] }
            $0[path: "status", "containerStatuses"] = [
                [
                    "name": "web",
                    "state": ["terminated": ["exitCode": phase == "Failed" ? 7 : 0, "finishedAt": .string(Samples.ago(ended))]],
                ]
            ]
            change(&$0)
        }
    }

    func plan(_ job: Object, _ pods: [Object]) -> JobPlan { JobPlan(job, pods: pods, now: Samples.now) }

    @Test func startsAsManyAsMayRun() throws {
        let plan = try plan(job(), [])
        #expect(plan.create.count == 2)
        #expect(plan.status["startTime"]?.string == Timestamp.format(Samples.now))
        #expect(try self.plan(job(["completions": 1]), []).create.count == 1)
        #expect(try self.plan(job(["completions": .null, "parallelism": 3]), []).create.count == 3)
    }

    /// A pod's end is written down, then its finalizer goes, then it is a number: at no point is it lost or counted twice.
    @Test func anEndIsCountedOnce() throws {
        let first = try plan(job(), [pod("a", "Succeeded"), pod("b", "Running")])
        #expect(first.status[path: "uncountedTerminatedPods", "succeeded"] == ["uid-a"])
        #expect(first.status["succeeded"] == nil)
        #expect(first.release.map(\.name) == ["a"])
        #expect(first.create.count == 1)
        // A crash before the finalizer went: nothing changes.
        let again = try plan(job(status: first.status), [pod("a", "Succeeded"), pod("b", "Running"), pod("c", "Running")])
        #expect(again.status[path: "uncountedTerminatedPods", "succeeded"] == ["uid-a"])
        #expect(again.create.isEmpty)
        let released = try plan(
            job(status: again.status), [pod("a", "Succeeded", tracked: false), pod("b", "Running"), pod("c", "Running")])
        #expect(released.status["succeeded"] == 1)
        #expect(released.status["uncountedTerminatedPods"] == [:])
        #expect(released.release.isEmpty)
        // And when the pod itself is gone.
        let gone = try plan(job(status: again.status), [pod("b", "Running"), pod("c", "Running")])
        #expect(gone.status["succeeded"] == 1)
    }

    @Test func completionComesInTwoSteps() throws {
        let pods = try (0..<4).map { try pod("p\($0)", "Succeeded", tracked: false) }
        let first = try plan(job(status: ["succeeded": 4, "startTime": "2026-01-01T00:00:00Z"]), pods)
        let conditions = [Condition](of: first.status)
        #expect(conditions.map(\.type) == ["SuccessCriteriaMet", "Complete"])
        #expect(conditions.last?.message == "Reached expected number of succeeded pods")
        #expect(first.status["completionTime"] != nil)
        #expect(first.events.map(\.reason) == ["Completed"])

        let running = try plan(job(status: ["succeeded": 4]), pods + [pod("late", "Running")])
        #expect([Condition](of: running.status).map(\.type) == ["SuccessCriteriaMet"])
        #expect(running.delete.map(\.name) == ["late"])
    }

    @Test func tooManyFailuresEndIt() throws {
        let failed = try plan(job(status: ["failed": 2]), [pod("a", "Failed"), pod("b", "Running")])
        #expect([Condition](of: failed.status).map(\.reason) == ["BackoffLimitExceeded"])
        #expect(failed.delete.map(\.name) == ["b"])
        let done = try plan(job(status: failed.status), [])
        #expect(done.status["failed"] == 3)
        #expect([Condition](of: done.status).map(\.type) == ["FailureTarget", "Failed"])
        #expect(done.events.map(\.reason) == ["BackoffLimitExceeded"])
        #expect(try plan(job(status: done.status), []).status == done.status)
    }

    @Test(arguments: [(1, 3.0, 7.0), (2, 3.0, 17.0), (2, 30.0, nil), (10, 30.0, 570.0)] as [(Int, Double, Double?)])
    func failuresDelayTheNextPod(failures: Int, ago: Double, left: Double?) throws {
        let pods = try (0..<failures).map { try pod("p\($0)", "Failed", ended: ago) }
        let plan = try plan(job(["backoffLimit": 100]), pods)
        #expect(plan.secondsUntilNextLook == left)
        #expect(plan.create.isEmpty == (left != nil))
    }

    @Test func theDeadlineEndsIt() throws {
        let spec: JSON = ["activeDeadlineSeconds": 60]
        let early = try plan(job(status: ["startTime": .string(Samples.ago(50))], spec), [pod("a", "Running")])
        #expect(early.secondsUntilNextLook.map { abs($0 - 10.1) < 0.01 } ?? false)
        let late = try plan(job(status: ["startTime": .string(Samples.ago(60))], spec), [pod("a", "Running")])
        #expect([Condition](of: late.status).map(\.message) == ["Job was active longer than specified deadline"])
    }

    @Test func suspendingStopsAndResumingStartsAnew() throws {
        let suspended = try plan(
            job(status: ["startTime": .string(Samples.ago(50))], ["suspend": true]), [pod("a", "Running")])
        #expect(suspended.delete.map(\.name) == ["a"])
        #expect(suspended.status["startTime"] == nil)
        #expect(suspended.events.map(\.reason) == ["Suspended"])
        let resumed = try plan(job(status: suspended.status), [])
        #expect(resumed.events.map(\.reason) == ["Resumed"])
        #expect(resumed.status["startTime"]?.string == Timestamp.format(Samples.now))
        #expect(Condition.find("Suspended", in: resumed.status)?.status == .false)
    }

    @Test func indexesRunOnceEach() throws {
        let spec: JSON = ["completionMode": "Indexed", "completions": 6, "parallelism": 3]
        #expect(try plan(job(spec), []).create.map(\.index) == [0, 1, 2])
        let next = try plan(
            job(status: ["completedIndexes": "0,2-3"], spec),
            [
                pod("a", "Succeeded", index: 1), pod("b", "Running", index: 4),
                pod("double", "Running", index: 4) {
                    $0[path: "metadata", "creationTimestamp"] = .string(Samples.ago(1))
                },
            ])
        #expect(next.status["completedIndexes"] == "0-3")
        #expect(next.status["succeeded"] == 4)
        #expect(next.create.map(\.index) == [5])
        #expect(next.delete.map(\.name) == ["double"])
    }

    @Test func indexesFailOnTheirOwn() throws {
        let spec: JSON = [
            "completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 1, "backoffLimit": 1000,
        ]
        let once = try plan(job(spec), [pod("a", "Failed", index: 0), pod("b", "Running", index: 1)])
        #expect(once.create.map(\.index) == [0])
        #expect(once.create.map(\.failures) == [1])
        #expect(once.status["failedIndexes"] == "")
        let twice = try plan(
            job(status: once.status, spec),
            [
                pod("a", "Failed", index: 0, tracked: false),
                pod("c", "Failed", index: 0) { $0[path: "metadata", "annotations", JobView.indexFailures] = "1" },
                pod("b", "Succeeded", index: 1),
            ])
        #expect(twice.status["failedIndexes"] == "0")
        #expect(Condition.find("FailureTarget", in: twice.status)?.reason == "FailedIndexes")
    }

    @Test func rulesDecideAboutFailures() throws {
        func rules(_ action: String) -> JSON {
            ["podFailurePolicy": ["rules": [["action": .string(action), "onExitCodes": ["operator": "In", "values": [7]]]]]]
        }
        let ignored = try plan(job(rules("Ignore")), [pod("a", "Failed")])
        #expect(ignored.status["uncountedTerminatedPods"] == [:])
        #expect(ignored.release.map(\.name) == ["a"])
        let failed = try plan(job(rules("FailJob")), [pod("a", "Failed")])
        #expect(
            Condition.find("FailureTarget", in: failed.status)?.message
                == "Container web for pod default/a failed with exit code 7 matching FailJob rule at index 0")
    }

    @Test func successRulesEndIndexedJobsEarly() throws {
        let spec: JSON = [
            "completionMode": "Indexed", "completions": 5, "parallelism": 5,
            "successPolicy": ["rules": [["succeededIndexes": "0-2", "succeededCount": 2]]],
        ]
        #expect(
            try Condition.find("SuccessCriteriaMet", in: plan(job(status: ["completedIndexes": "0,4"], spec), []).status) == nil)
        let met = try plan(job(status: ["completedIndexes": "0,2"], spec), [])
        #expect(Condition.find("SuccessCriteriaMet", in: met.status)?.reason == "SuccessPolicy")
    }

    @Test func replacementCanWaitForTheEnd() throws {
        let terminating = try pod("a", "Running") { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }
        #expect(
            try plan(job(["completions": 1, "parallelism": 1]), [terminating]).status[path: "uncountedTerminatedPods", "failed"]
                == ["uid-a"])
        let waiting = try plan(job(["completions": 1, "parallelism": 1, "podReplacementPolicy": "Failed"]), [terminating])
        #expect(waiting.create.isEmpty)
        #expect(waiting.status["terminating"] == 1)
    }
}

@Suite struct IndexSetTests {
    @Test(arguments: [
        ("", ""), ("1", "1"), ("1,2", "1,2"), ("1,2,3", "1-3"), ("5,1-3,4", "1-5"), ("0-2,9", "0-2"), ("x,3,-", "3"),
    ])
    func readsAndWrites(input: String, output: String) {
        #expect(IndexSet(input, limit: 8).description == output)
    }

    @Test func knowsItsMembers() {
        let set = IndexSet("0-2,4,6-7", limit: 10)
        #expect((0..<10).filter(set.contains) == [0, 1, 2, 4, 6, 7])
        #expect(set.count == 6)
    }
}
