import KubeObject
import Testing

@testable import KubeControllers

@Suite struct AutoscalerSelectorsTests {
    func pod(_ labels: [String: String]) throws -> Object { try Samples.pod("p", labels: labels) }

    @Test func namesAllThatSelectAPod() throws {
        var known = AutoscalerSelectors()
        known.note(try LabelSelector(parsing: "app=web"), of: ObjectName(namespace: "a", name: "wide"))
        known.note(try LabelSelector(parsing: "app=web,track=canary"), of: ObjectName(namespace: "a", name: "narrow"))
        known.note(try LabelSelector(parsing: "app=web"), of: ObjectName(namespace: "b", name: "elsewhere"))
        let stable = try pod(["app": "web"])
        let canary = try pod(["app": "web", "track": "canary"])
        #expect(known.names(selecting: [stable], in: "a") == ["wide"])
        #expect(known.names(selecting: [stable, canary], in: "a") == ["narrow", "wide"])
        known.forget(ObjectName(namespace: "a", name: "wide"))
        #expect(known.names(selecting: [canary], in: "a") == ["narrow"])
    }

    @Test func remembersWhatWasSeenLast() throws {
        var known = AutoscalerSelectors()
        known.note(try LabelSelector(parsing: "app=web"), of: ObjectName(namespace: "a", name: "one"))
        known.note(try LabelSelector(parsing: "app=web"), of: ObjectName(namespace: "a", name: "two"))
        known.note(try LabelSelector(parsing: "app=db"), of: ObjectName(namespace: "a", name: "two"))
        #expect(known.names(selecting: [try pod(["app": "web"])], in: "a") == ["one"])
    }
}
