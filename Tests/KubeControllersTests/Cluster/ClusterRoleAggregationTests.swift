import KubeObject
import Testing

@testable import KubeControllers

@Suite struct ClusterRoleAggregationTests {
    func role(_ name: String, _ labels: [String: String], _ rules: [JSON]) throws -> Object {
        try Samples.object([
            "kind": "ClusterRole", "metadata": ["name": .string(name), "labels": JSON(labels)], "rules": .array(rules),
        ])
    }

    @Test func takesEveryRuleOnce() throws {
        let admin = try role("admin", ["to": "admin"], [["verbs": ["own"]]])
        let roles = try [
            admin, role("b", ["to": "admin"], [["verbs": ["get"]], ["verbs": ["list"]]]),
            role("a", ["to": "admin"], [["verbs": ["list"]]]), role("c", ["to": "view"], [["verbs": ["watch"]]]),
        ]
        let rules = ClusterRoleAggregation.aggregate(roles, into: admin, [LabelSelector(matchLabels: ["to": "admin"])])
        #expect(rules == [["verbs": ["list"]], ["verbs": ["get"]]])
    }
}
