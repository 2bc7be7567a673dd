import KubeObject
import KubeRegistry
import Testing

@testable import Fleet

@Suite struct ClusterPolicyTests {
    @Test func whatIsGivenCountsAndTheRestIsTheDefault() {
        let policy = ClusterPolicies.policy(["limits": ["objects": 1000, "requestsPerSecond": 5]])
        var expected = ClusterPolicy.Limits()
        expected.objects = 1000
        expected.requestsPerSecond = 5
        #expect(policy.limits == expected)
        #expect(ClusterPolicies.policy([:]).limits == ClusterPolicy.Limits())
    }

    @Test(
        arguments: [
            ("objects", 1, "must be between 100 and 10000000"), ("requestBytes", 4 << 20, "must be between 1024 and 3145728"),
            ("requests", 0, "must be between 1 and 10000"), ("watches", -1, "must be between 0 and 1000000"),
            ("bytes", 5, "must be between 1048576 and 1099511627776"),
            ("requestsPerSecond", 0, "must be between 1 and 1000000"), ("watches", 0, nil), ("objects", 100, nil),
        ] as [(String, Int64, String?)])
    func limitsHaveRanges(name: String, value: Int64, problem: String?) {
        let errors = ClusterPolicies.errors(in: ["limits": [name: .int(value)]])
        #expect(errors.map(\.detail) == (problem.map { [$0] } ?? []))
        #expect(errors.allSatisfy { $0.path == "spec.limits.\(name)" })
    }

    @Test func podsAreKeptOffTheMachineUnlessThePlatformSaysOtherwise() {
        #expect(ClusterPolicies.policy([:]).podSecurity == .baseline)
        #expect(ClusterPolicies.policy(["podSecurity": "privileged"]).podSecurity == .privileged)
        #expect(ClusterPolicies.policy(["podSecurity": "anything"]).podSecurity == .baseline)
        #expect(
            ClusterPolicies.errors(in: ["podSecurity": "anything"]).map(\.body) == [
                #"Unsupported value: "anything": supported values: "privileged", "baseline", "restricted""#
            ])
    }

    @Test(
        arguments: [
            ([:], ["podSecurity": "privileged"], "spec.podSecurity"), ([:], ["podSecurity": "baseline"], nil),
            ([:], ["podSecurity": "restricted"], nil), (["podSecurity": "restricted"], [:], "spec.podSecurity"),
            (["podSecurity": "privileged"], [:], nil), (["podSecurity": "privileged"], ["podSecurity": "privileged"], nil),
            ([:], ["limits": ["objects": 100]], "spec.limits"), (["limits": ["objects": 100]], [:], "spec.limits"),
            (["limits": ["objects": 100]], ["limits": ["objects": 100], "description": "x"], nil),
        ] as [(JSON, JSON, String?)])
    func whatTakesThePlatformsLeave(old: JSON, new: JSON, field: String?) {
        #expect(ClusterPolicyGrant.changed(from: old, to: new) == field)
    }
}
