import KubeObject
import Testing

@testable import KubeControllers

@Suite struct DisruptionBudgetStatusTests {
    struct Case: Sendable {
        var spec: JSON
        var ready: Int
        var scale: Int64?
        var desired: Int64
        var allowed: Int64
    }

    @Test(arguments: [
        Case(spec: ["minAvailable": 2], ready: 3, scale: nil, desired: 2, allowed: 1),
        Case(spec: ["minAvailable": "50%"], ready: 3, scale: 4, desired: 2, allowed: 1),
        Case(spec: ["maxUnavailable": 1], ready: 4, scale: 4, desired: 3, allowed: 1),
        Case(spec: ["maxUnavailable": 1], ready: 3, scale: 4, desired: 3, allowed: 0),
        Case(spec: ["maxUnavailable": "100%"], ready: 4, scale: 4, desired: 0, allowed: 4),
        Case(spec: ["maxUnavailable": 1], ready: 4, scale: nil, desired: 0, allowed: 0),
    ])
    func budgets(test: Case) throws {
        let budget = try Samples.object(["kind": "PodDisruptionBudget", "metadata": ["name": "b"], "spec": test.spec])
        let pods = try (0..<4).map { PodState(try Samples.pod("p\($0)", readyFor: $0 < test.ready ? 10 : nil)) }
        let (status, _) = DisruptionBudgetStatus.make(budget, pods: pods, scale: test.scale, now: Samples.now)
        #expect(status["desiredHealthy"]?.int == test.desired)
        #expect(status["disruptionsAllowed"]?.int == test.allowed)
        #expect(status["currentHealthy"]?.int == Int64(test.ready))
    }

    @Test func anAllowedEvictionCountsUntilItShows() throws {
        let budget = try Samples.object([
            "kind": "PodDisruptionBudget", "metadata": ["name": "b"], "spec": ["minAvailable": 1],
            "status": [
                "disruptedPods": [
                    "p0": .string(Samples.ago(20)), "p1": .string(Samples.ago(200)), "gone": .string(Samples.ago(1)),
                ]
            ],
        ])
        let pods = try (0..<3).map { PodState(try Samples.pod("p\($0)")) }
        let (status, next) = DisruptionBudgetStatus.make(budget, pods: pods, scale: 3, now: Samples.now)
        #expect(status["disruptedPods"] == ["p0": .string(Samples.ago(20))])
        #expect(status["currentHealthy"] == 2)
        #expect(next == 100)
    }
}
