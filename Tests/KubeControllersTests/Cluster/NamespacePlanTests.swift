import KubeObject
import Testing

@testable import KubeControllers

@Suite struct NamespacePlanTests {
    func namespace() throws -> Object {
        try Samples.object([
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team", "deletionTimestamp": .string(Samples.ago(1))],
            "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Terminating"],
        ])
    }

    func condition(_ plan: NamespacePlan, _ type: String) -> Condition? {
        plan.conditions.flatMap { Condition.find(type, in: ["conditions": $0]) }
    }

    @Test func anEmptyNamespaceMayGo() throws {
        let plan = try NamespacePlan(namespace(), remaining: [], failures: [], now: Samples.now)
        #expect(plan.isEmpty)
        #expect(plan.conditions?.elements.count == 5)
        #expect(condition(plan, "NamespaceContentRemaining")?.status == .false)
        #expect(condition(plan, "NamespaceDeletionContentFailure")?.reason == "ContentDeleted")
    }

    @Test func whatRemainsIsNamed() throws {
        let pods = NamespacePlan.Remainder(
            resource: .init(group: "", version: "v1", resource: "pods"), count: 2, graceSeconds: 30)
        let sets = NamespacePlan.Remainder(
            resource: .init(group: "apps", version: "v1", resource: "deployments"), count: 1, finalizers: ["a.io/b": 1])
        let plan = try NamespacePlan(namespace(), remaining: [pods, sets], failures: [], now: Samples.now)
        #expect(!plan.isEmpty)
        #expect(
            condition(plan, "NamespaceContentRemaining")?.message
                == "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances")
        #expect(
            condition(plan, "NamespaceFinalizersRemaining")?.message
                == "Some content in the namespace has finalizers remaining: a.io/b in 1 resource instances")
    }

    @Test func whatNothingHoldsUpIsAFailure() throws {
        let pods = NamespacePlan.Remainder(
            resource: .init(group: "", version: "v1", resource: "pods"), count: 1, graceSeconds: 1)
        let jobs = NamespacePlan.Remainder(resource: .init(group: "batch", version: "v1", resource: "jobs"), count: 1)
        let plan = try NamespacePlan(namespace(), remaining: [pods, jobs], failures: [], now: Samples.now)
        #expect(
            condition(plan, "NamespaceDeletionContentFailure")?.message
                == "Failed to delete all resource types, 2 remaining: "
                + "unexpected items still remain in namespace: team for gvr: /v1, Resource=pods, "
                + "unexpected items still remain in namespace: team for gvr: batch/v1, Resource=jobs")
    }

    @Test func failuresKeepItAlive() throws {
        let plan = try NamespacePlan(namespace(), remaining: [], failures: ["boom"], now: Samples.now)
        #expect(!plan.isEmpty)
        #expect(condition(plan, "NamespaceDeletionContentFailure")?.status == .true)
        #expect(
            condition(plan, "NamespaceDeletionContentFailure")?.message
                == "Failed to delete all resource types, 1 remaining: boom")
    }

    @Test func conditionsKeepTheirPlaceAndTime() throws {
        let first = try NamespacePlan(namespace(), remaining: [], failures: ["boom"], now: Samples.now - 100)
        let namespace = try Samples.object([
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"],
            "status": ["conditions": first.conditions ?? []],
        ])
        let second = NamespacePlan(namespace, remaining: [], failures: [], now: Samples.now)
        #expect(second.conditions?.elements.map { $0["type"] } == first.conditions?.elements.map { $0["type"] })
        #expect(condition(second, "NamespaceContentRemaining")?.lastTransitionTime == Samples.ago(100))
        #expect(condition(second, "NamespaceDeletionContentFailure")?.lastTransitionTime == Samples.ago(0))
    }
}
