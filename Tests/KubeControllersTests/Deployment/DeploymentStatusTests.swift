import KubeObject
import Testing

@testable import KubeControllers

@Suite struct DeploymentStatusTests {
    func status(_ deployment: Object, _ sets: [Object], after seconds: Double = 0) -> (JSON, Double?) {
        let plan = DeploymentPlan(deployment, sets: sets, pods: { [] }, now: Samples.now + seconds)
        return (plan.status, plan.secondsUntilNextLook)
    }

    @Test func aFinishedRolloutSaysSo() throws {
        let (status, next) = try status(Samples.deployment(), [Samples.replicaSet(1, image: "web:1", replicas: 10)])
        #expect(status["replicas"] == 10)
        #expect(status["updatedReplicas"] == 10)
        #expect(status["availableReplicas"] == 10)
        #expect(status["unavailableReplicas"] == nil)
        #expect(status["observedGeneration"] == 1)
        let progressing = Condition.find("Progressing", in: status)
        #expect(progressing?.reason == "NewReplicaSetAvailable")
        #expect(progressing?.message == "ReplicaSet \"web-h1\" has successfully progressed.")
        #expect(Condition.find("Available", in: status)?.message == "Deployment has minimum availability.")
        #expect(next == nil)
    }

    @Test func movementStartsTheDeadlineAnew() throws {
        var deployment = try Samples.deployment(image: "web:2")
        let old = try Samples.replicaSet(1, image: "web:1", replicas: 8)
        let (first, _) = try status(deployment, [old, Samples.replicaSet(2, image: "web:2", replicas: 5, available: 1)])
        #expect(Condition.find("Progressing", in: first)?.message == "ReplicaSet \"web-h2\" is progressing.")
        #expect(first["unavailableReplicas"] == 4)

        deployment = try Samples.deployment(image: "web:2", status: first)
        let (second, next) = try status(
            deployment, [old, Samples.replicaSet(2, image: "web:2", replicas: 5, available: 2)], after: 500)
        let condition = Condition.find("Progressing", in: second)
        #expect(condition?.lastUpdateTime == Timestamp.format(Samples.now + 500))
        #expect(condition?.lastTransitionTime == Timestamp.format(Samples.now))
        #expect(next == 601)
    }

    @Test func standingStillPastTheDeadlineFails() throws {
        let sets = try [
            Samples.replicaSet(1, image: "web:1", replicas: 8), Samples.replicaSet(2, image: "web:2", replicas: 5, available: 1),
        ]
        let (before, _) = try status(Samples.deployment(image: "web:2"), sets)
        let deployment = try Samples.deployment(image: "web:2", status: before)
        let (still, next) = status(deployment, sets, after: 599)
        #expect(still == before)
        #expect(next == 2)
        let (late, _) = status(deployment, sets, after: 601)
        let condition = Condition.find("Progressing", in: late)
        #expect(condition?.status == .false)
        #expect(condition?.reason == "ProgressDeadlineExceeded")
        #expect(condition?.message == "ReplicaSet \"web-h2\" has timed out progressing.")
    }

    @Test func aSetThatCantMakePodsIsReported() throws {
        let set = try Samples.replicaSet(1, image: "web:1", replicas: 10, available: 0) {
            $0[path: "status", "conditions"] = [
                ["type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no quota"]
            ]
        }
        let (status, _) = try status(Samples.deployment(), [set])
        #expect(Condition.find("ReplicaFailure", in: status)?.message == "no quota")
    }
}
