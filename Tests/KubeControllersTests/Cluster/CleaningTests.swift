import KubeObject
import Testing

@testable import KubeControllers

@Suite struct CleaningTests {
    @Test func eventsLiveAnHourAfterTheyWereLastSeen() throws {
        func event(_ name: String, created: Double, last: Double? = nil) throws -> Object {
            try Samples.object([
                "kind": "Event", "metadata": ["name": .string(name), "creationTimestamp": .string(Samples.ago(created))],
                "lastTimestamp": last.map { .string(Samples.ago($0)) } ?? .null,
            ])
        }
        let events = try [event("old", created: 4000), event("seen", created: 4000, last: 600), event("new", created: 100)]
        let (expired, left) = EventCollector.split(events, lifetime: 3600, now: Samples.now)
        #expect(expired.map(\.name) == ["old"])
        #expect(left == 3000)
    }

    @Test func finishedJobsGoWhenTheirTimeIsOver() throws {
        func job(_ spec: JSON, _ conditions: JSON) throws -> Object {
            try Samples.object(["kind": "Job", "metadata": ["name": "j"], "spec": spec, "status": ["conditions": conditions]])
        }
        let done: JSON = [["type": "Complete", "status": "True", "lastTransitionTime": .string(Samples.ago(40))]]
        #expect(try TTLReconciler.secondsLeft(job(["ttlSecondsAfterFinished": 100], done), now: Samples.now) == 60)
        #expect(try TTLReconciler.secondsLeft(job(["ttlSecondsAfterFinished": 10], done), now: Samples.now) == 0)
        #expect(try TTLReconciler.secondsLeft(job([:], done), now: Samples.now) == nil)
        #expect(try TTLReconciler.secondsLeft(job(["ttlSecondsAfterFinished": 10], []), now: Samples.now) == nil)
    }

    @Test func theOldestFinishedPodsAreTooMany() throws {
        let pods = try (0..<5).map { index in
            try Samples.pod("p\(index)", phase: index == 4 ? "Running" : "Succeeded") {
                $0[path: "metadata", "creationTimestamp"] = .string(Samples.ago(Double(100 - index)))
            }
        }
        #expect(PodCollector.surplus(of: pods, limit: 2).map(\.name) == ["p0", "p1"])
    }
}
