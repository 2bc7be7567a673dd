import KubeObject
import Testing

@testable import KubeControllers

@Suite struct AutoscalerCustomMetricTests {
    typealias Metric = AutoscalerMetric

    struct Case: Sendable {
        var value: Int64
        var target: JSON
        var spec: Int64 = 2
        var status: Int64 = 2
        var ready: Int64? = 2
        var replicas: Int64
        var current: JSON
    }

    /// Values and targets are as a user writes them; values here are thousandths.
    @Test(arguments: [
        // A value for all: as many times the ready pods as it is over.
        Case(value: 20_000, target: ["type": "Value", "value": "10"], replicas: 4, current: ["value": "20"]),
        Case(value: 10_900, target: ["type": "Value", "value": "10"], ready: 1, replicas: 2, current: ["value": "10900m"]),
        Case(value: 11_200, target: ["type": "Value", "value": "10"], ready: 1, replicas: 2, current: ["value": "11200m"]),
        Case(value: 5_000, target: ["type": "Value", "value": "10"], spec: 4, ready: 4, replicas: 2, current: ["value": "5"]),
        Case(value: 0, target: ["type": "Value", "value": "10"], replicas: 0, current: ["value": "0"]),
        // From nothing it counts by itself.
        Case(
            value: 25_000, target: ["type": "Value", "value": "10"], spec: 0, status: 0, ready: nil, replicas: 3,
            current: ["value": "25"]),
        // An average: the number divided by what each may have.
        Case(
            value: 50_000, target: ["type": "AverageValue", "averageValue": "10"], replicas: 5, current: ["averageValue": "25"]),
        Case(
            value: 21_000, target: ["type": "AverageValue", "averageValue": "10"], replicas: 2,
            current: ["averageValue": "10500m"]),
        Case(
            value: 1_000, target: ["type": "AverageValue", "averageValue": "10"], spec: 3, status: 3, replicas: 1,
            current: ["averageValue": "334m"]),
        Case(
            value: 0, target: ["type": "AverageValue", "averageValue": "10"], spec: 0, status: 0, replicas: 0,
            current: ["averageValue": "0"]),
        // What a server says may be any number.
        Case(
            value: .max, target: ["type": "AverageValue", "averageValue": "1m"], replicas: .max,
            current: ["averageValue": "4611686018427387904m"]),
        Case(value: -5_000, target: ["type": "Value", "value": "10"], replicas: 0, current: ["value": "-5"]),
    ])
    func numbersOfAllAskForASize(test: Case) throws {
        let target = Metric.Target(specReplicas: test.spec, statusReplicas: test.status, readyPods: test.ready)
        let external: JSON = ["type": "External", "external": ["metric": ["name": "queue"], "target": test.target]]
        let proposal = try Metric.proposeExternal(external, value: test.value, of: target, tolerance: .init())
        #expect(proposal.replicas == test.replicas)
        #expect(proposal.name == "external metric queue(nil)")
        #expect(proposal.status == ["type": "External", "external": ["metric": ["name": "queue"], "current": test.current]])

        let reference: JSON = ["apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"]
        let object: JSON = [
            "type": "Object", "object": ["describedObject": reference, "metric": ["name": "hits"], "target": test.target],
        ]
        let other = try Metric.proposeObject(object, value: test.value, of: target, tolerance: .init())
        #expect(other.replicas == test.replicas)
        #expect(other.name == (test.target["value"] != nil ? "Ingress metric hits" : "external metric hits(nil)"))
        #expect(other.status["object"]?["current"] == test.current)
        #expect(other.status["object"]?["describedObject"] == reference)
    }

    @Test func withoutATargetOrPodsTheyFailInWords() {
        let target = Metric.Target(specReplicas: 2, statusReplicas: 2, readyPods: nil)
        func failure(_ body: () throws(Metric.Failure) -> Void) -> Metric.Failure? {
            do throws(Metric.Failure) { try body() } catch { return error }
            return nil
        }
        let none: JSON = ["type": "External", "external": ["metric": ["name": "q"], "target": ["type": "Value"]]]
        #expect(
            failure { () throws(Metric.Failure) in _ = try Metric.proposeExternal(none, value: 1, of: target, tolerance: .init())
            }?.message
                == "invalid external metric source: neither a value target nor an average value target was set")
        let object: JSON = ["type": "Object", "object": ["metric": ["name": "q"], "target": ["type": "Value", "value": "1"]]]
        let found = failure { () throws(Metric.Failure) in
            _ = try Metric.proposeObject(object, value: 5_000, of: target, tolerance: .init())
        }
        #expect(found?.reason == "FailedGetObjectMetric")
        #expect(
            found?.whole
                == "failed to get object metric value: unable to calculate ready pods: no pods returned by selector while calculating replica count"
        )
    }

    struct PodsCase: Sendable {
        var values: [Int64?]
        var pending = 0
        var replicas: Int64
    }

    @Test(arguments: [
        PodsCase(values: [20_000, 20_000], replicas: 4), PodsCase(values: [10_500, 10_500], replicas: 2),
        PodsCase(values: [4_000, 4_000], replicas: 1),
        // A pod without a value holds back both ways, one that hasn't begun when growing.
        PodsCase(values: [20_000, nil], replicas: 2), PodsCase(values: [2_000, nil], replicas: 2),
        PodsCase(values: [15_000], pending: 1, replicas: 2), PodsCase(values: [35_000], pending: 1, replicas: 4),
        PodsCase(values: [.max, .max], replicas: 1_844_674_407_370_956),
    ])
    func podsAreAveraged(test: PodsCase) throws {
        let metric: JSON = [
            "type": "Pods", "pods": ["metric": ["name": "hits"], "target": ["type": "AverageValue", "averageValue": "10"]],
        ]
        let samples =
            test.values.map { Metric.Sample(usage: $0, request: nil, isUnready: false) }
            + Array(repeating: Metric.Sample(usage: nil, request: nil, isUnready: true), count: test.pending)
        let proposal = try Metric.proposePods(metric, current: Int64(samples.count), samples: samples, tolerance: .init())
        #expect(proposal.replicas == test.replicas)
        #expect(proposal.name == "pods metric hits")
    }

    @Test func aSelectorIsNamedAsUpstreamDoes() {
        #expect(Metric.goText(nil) == "nil")
        #expect(
            Metric.goText([
                "matchLabels": ["b": "2", "a": "1"],
                "matchExpressions": [["key": "tier", "operator": "In", "values": ["x", "y"]]],
            ])
                == "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[x y],},},}"
        )
    }

    @Test func theToleranceIsTheUsers() {
        let tolerance = Metric.Tolerance(["scaleUp": ["tolerance": "50m"], "scaleDown": ["tolerance": "0.3"]])
        #expect(tolerance.holds(1.05))
        #expect(!tolerance.holds(1.06))
        #expect(tolerance.holds(0.71))
        #expect(!Metric.Tolerance(nil).holds(0.89))
    }

    @Test func pathsAreEncoded() {
        #expect(
            MetricsReader.path(
                ["namespaces", "default", "pods", "*", "a b/c"],
                [("labelSelector", "app=web,x in (a,b)"), ("metricLabelSelector", "")])
                == "/namespaces/default/pods/*/a%20b%2Fc?labelSelector=app%3Dweb%2Cx%20in%20%28a%2Cb%29")
    }

    @Test func oneClustersServersAreWaitedForByFew() {
        let patience = MetricsPatience()
        #expect(patience.enter(1) == nil)
        #expect(patience.enter(1) == nil)
        #expect(patience.enter(1) == 0.25)
        #expect(patience.enter(2) == nil)
        // The more come, the later they are to come again.
        var turn = 0.0
        for _ in 0..<10_000 { turn = patience.enter(1) ?? 0 }
        #expect(turn == 15.25)
        patience.leave(1, now: 0)
        #expect(patience.enter(1) == nil)
        patience.pause(1, "g", now: 0)
        #expect(patience.isPaused(1, "g", now: 29))
        #expect(!patience.isPaused(1, "g", now: 31))
        #expect(!patience.isPaused(1, "h", now: 0))
        #expect(!patience.isPaused(2, "g", now: 0))
    }
}
