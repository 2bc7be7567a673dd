import KubeObject
import Testing

@testable import KubeControllers

@Suite struct AutoscalerMetricTests {
    let cpu: JSON = [
        "type": "Resource", "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 50]],
    ]

    func samples(_ usages: [Int64?], request: Int64? = 100, unready: Int = 0) -> [AutoscalerMetric.Sample] {
        usages.map { .init(usage: $0, request: request, isUnready: false) }
            + Array(repeating: .init(usage: 0, request: request, isUnready: true), count: unready)
    }

    struct Case: Sendable {
        var usages: [Int64?]
        var unready = 0
        var expected: Int64
    }

    @Test(arguments: [
        Case(usages: [50, 50], expected: 2), Case(usages: [100, 100], expected: 4), Case(usages: [25, 25], expected: 1),
        // Within a tenth nothing moves.
        Case(usages: [54, 54], expected: 2), Case(usages: [46, 46], expected: 2),
        // Pods that aren't measured hold back both ways.
        Case(usages: [100, nil], expected: 2), Case(usages: [10, nil], expected: 2), Case(usages: [300, nil], expected: 6),
        Case(usages: [100], unready: 1, expected: 2),
        // What a metrics server says may be any number.
        Case(usages: [.max, .max], expected: 368_934_881_474_191_040),
        Case(usages: [.max, nil], expected: 184_467_440_737_095_520),
    ])
    func followsUtilization(test: Case) throws {
        let current = Int64(test.usages.count + test.unready)
        let proposal = try AutoscalerMetric.propose(cpu, current: current, samples: samples(test.usages, unready: test.unready))
        #expect(proposal.replicas == test.expected)
    }

    @Test func saysWhatItSaw() throws {
        let proposal = try AutoscalerMetric.propose(cpu, current: 2, samples: samples([100, 50]))
        #expect(
            proposal.status == [
                "type": "Resource", "resource": ["name": "cpu", "current": ["averageUtilization": 75, "averageValue": "75m"]],
            ])
    }

    @Test func failsInWords() {
        #expect(throws: AutoscalerMetric.Failure.self) { try AutoscalerMetric.propose(cpu, current: 1, samples: []) }
        #expect(throws: AutoscalerMetric.Failure.self) {
            try AutoscalerMetric.propose(cpu, current: 1, samples: samples([1], request: nil))
        }
        #expect(throws: AutoscalerMetric.Failure.self) {
            try AutoscalerMetric.propose(["type": "External"], current: 1, samples: [])
        }
    }
}

@Suite struct AutoscalerBehaviorTests {
    @Test func growsAtOnceWithinItsPolicies() {
        let behavior = AutoscalerBehavior(["minReplicas": 1, "maxReplicas": 100])
        var history = AutoscalerBehavior.History()
        let first = behavior.decide(proposed: 50, current: 10, history: &history, now: 0)
        #expect(first.replicas == 20)
        #expect(first.limit?.reason == "ScaleUpLimit")
        // Only what was done counts.
        #expect(behavior.decide(proposed: 50, current: 10, history: &history, now: 1).replicas == 20)
        history.note(10, at: 1)
        #expect(behavior.decide(proposed: 50, current: 20, history: &history, now: 5).replicas == 20)
        #expect(behavior.decide(proposed: 50, current: 20, history: &history, now: 16).replicas == 40)
        var small = AutoscalerBehavior.History()
        #expect(behavior.decide(proposed: 50, current: 1, history: &small, now: 0).replicas == 5)
    }

    @Test func shrinksAfterFiveMinutes() {
        let behavior = AutoscalerBehavior(["minReplicas": 2, "maxReplicas": 10])
        var history = AutoscalerBehavior.History()
        _ = behavior.decide(proposed: 8, current: 8, history: &history, now: 0)
        let held = behavior.decide(proposed: 1, current: 8, history: &history, now: 200)
        #expect(held.replicas == 8)
        #expect(held.stabilized == "ScaleDownStabilized")
        let gone = behavior.decide(proposed: 1, current: 8, history: &history, now: 400)
        #expect(gone.replicas == 2)
        #expect(gone.limit?.reason == "TooFewReplicas")
    }

    @Test func staysInItsBounds() {
        let behavior = AutoscalerBehavior([
            "maxReplicas": 3, "behavior": ["scaleDown": ["selectPolicy": "Disabled", "stabilizationWindowSeconds": 0]],
        ])
        var history = AutoscalerBehavior.History()
        #expect(behavior.decide(proposed: 9, current: 2, history: &history, now: 0).replicas == 3)
        var other = AutoscalerBehavior.History()
        #expect(behavior.decide(proposed: 1, current: 3, history: &other, now: 0).replicas == 3)
    }
}
