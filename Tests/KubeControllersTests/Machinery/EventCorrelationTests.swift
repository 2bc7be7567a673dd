import Testing

@testable import KubeControllers

@Suite struct EventCorrelationTests {
    func report(_ message: String, reason: String = "Failed", name: String = "web") -> EventCorrelation.Report {
        EventCorrelation.Report(
            cluster: 1, source: "test", uid: "u-\(name)", kind: "Pod", namespace: "default", name: name, type: "Warning",
            reason: reason, message: message)
    }

    @Test func theSameAgainRaisesACount() {
        var correlation = EventCorrelation()
        guard case .create(let name, "no") = correlation.decide(report("no"), now: 0) else {
            Issue.record("not created")
            return
        }
        #expect(name.hasPrefix("web."))
        #expect(correlation.decide(report("no"), now: 1) == .count(name: name, count: 2, message: "no"))
        correlation.forget(name, cluster: 1)
        if case .create = correlation.decide(report("no"), now: 2) {} else { Issue.record("not created anew") }
    }

    @Test func manySimilarOnesAreCombined() {
        var correlation = EventCorrelation()
        for index in 0..<10 { _ = correlation.decide(report("text \(index)"), now: 0) }
        guard case .create(let name, let text) = correlation.decide(report("text 10"), now: 0) else {
            Issue.record("not created")
            return
        }
        #expect(text == "(combined from similar events): text 10")
        #expect(
            correlation.decide(report("text 11"), now: 0)
                == .count(name: name, count: 2, message: "(combined from similar events): text 11"))
    }

    @Test func aFloodIsCutOffAndRefilledSlowly() {
        var correlation = EventCorrelation()
        let verdicts = (0..<100).map { _ in correlation.decide(report("no"), now: 0) }
        #expect(verdicts.count { $0 != .drop } == 25)
        #expect(correlation.decide(report("no"), now: 299) == .drop)
        #expect(correlation.decide(report("no"), now: 601) != .drop)
        #expect(correlation.decide(report("no", name: "other"), now: 0) != .drop)
    }
}
