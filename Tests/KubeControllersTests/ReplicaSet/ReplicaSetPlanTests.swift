import KubeObject
import Testing

@testable import KubeControllers

@Suite struct ReplicaSetPlanTests {
    func set(_ replicas: Int64, _ change: (inout JSON) -> Void = { _ in }) throws -> Object {
        try Samples.replicaSet(1, image: "web:1", replicas: replicas, change)
    }

    func plan(_ set: Object, _ pods: [Object]) -> ReplicaSetPlan {
        let ownership = ControllerOwnership(owner: set, selector: LabelSelector(matchLabels: ["app": "web"]), candidates: pods)
        return ReplicaSetPlan(set, ownership: ownership, related: { ownership.owned.map(PodState.init) }, now: Samples.now)
    }

    @Test func makesWhatIsMissingInBounds() throws {
        #expect(try plan(set(3), [Samples.pod("a")]).change == .create(2))
        #expect(try plan(set(2000), []).change == .create(500))
        #expect(try plan(set(1), [Samples.pod("a")]).change == .none)
    }

    @Test func finishedAndTerminatingPodsDontCount() throws {
        let pods = try [
            Samples.pod("a", phase: "Failed"), Samples.pod("b", phase: "Succeeded"),
            Samples.pod("c") { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) },
        ]
        #expect(try plan(set(1), pods).change == .create(1))
    }

    @Test func adoptsOrphansAndReleasesWhatDoesntMatch() throws {
        let pods = try [
            Samples.pod("orphan", owner: nil), Samples.pod("foreign", owner: "other"), Samples.pod("lost", labels: ["app": "db"]),
            Samples.pod("unrelated", labels: ["app": "db"], owner: nil),
        ]
        let result = plan(try set(1), pods)
        #expect(result.adopt == ["orphan"])
        #expect(result.release == ["lost"])
        #expect(result.change == .none)
        let deleted = try set(1) { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }
        #expect(
            plan(deleted, pods)
                == ReplicaSetPlan(deleted, ownership: .init(owner: deleted, selector: .init(), candidates: []), now: 0))
    }

    /// Every pod goes before the next.
    @Test func theLeastUsefulPodsGoFirst() throws {
        let pods = try [
            Samples.pod("unassigned", phase: "Pending", readyFor: nil, node: ""),
            Samples.pod("pending", phase: "Pending", readyFor: nil),
            Samples.pod("unknown", phase: "Unknown", readyFor: nil),
            Samples.pod("unready", readyFor: nil),
            Samples.pod("cheap", readyFor: 9000) {
                $0[path: "metadata", "annotations"] = ["controller.kubernetes.io/pod-deletion-cost": "-5"]
            },
            Samples.pod("young", readyFor: 10),
            Samples.pod("restarted", readyFor: 1000) { $0[path: "status", "containerStatuses"] = [["restartCount": 3]] },
            Samples.pod("steady", readyFor: 1000),
        ]
        for count in 1...7 {
            guard case .delete(let names) = try plan(set(Int64(8 - count)), pods.shuffled()).change else {
                Issue.record("nothing deleted")
                return
            }
            #expect(names == pods.prefix(count).map(\.metadata.name))
        }
    }

    @Test func aCrowdedNodeLosesPodsFirst() throws {
        let pods = try [
            Samples.pod("a", node: "one"), Samples.pod("b", node: "two"), Samples.pod("c", node: "two"),
        ]
        guard case .delete(let names) = try plan(set(2), pods).change else {
            Issue.record("nothing deleted")
            return
        }
        #expect(names == ["b"])
    }

    @Test func readyPodsBecomeAvailableLater() throws {
        let set = try set(2) { $0[path: "spec", "minReadySeconds"] = 30 }
        let pods = try [Samples.pod("a", readyFor: 10), Samples.pod("b", readyFor: 40)]
        #expect(plan(set, pods).secondsUntilNextAvailable == 20)
        let status = ReplicaSetStatus.make(set, owned: pods.map(PodState.init), failure: nil, now: Samples.now)
        #expect(status["readyReplicas"] == 2)
        #expect(status["availableReplicas"] == 1)
    }

    @Test func theStatusLeavesZeroesOut() throws {
        let set = try set(2) { $0["status"] = nil }
        let status = ReplicaSetStatus.make(set, owned: [], failure: ("FailedCreate", "no"), now: Samples.now)
        #expect(status["replicas"] == 0)
        #expect(status["readyReplicas"] == nil)
        #expect(status["observedGeneration"] == 1)
        #expect(Condition.find("ReplicaFailure", in: status)?.reason == "FailedCreate")
    }
}
