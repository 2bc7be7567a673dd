import KubeObject
import Testing

@testable import KubeRuntime

/// Pods of a cluster that sleeps: nothing of them runs, and they go on as on a node that was started again.
@Suite struct PodRestTests {
    private func ready(_ status: JSON) -> JSON? { status["conditions"]?.elements.first { $0["type"]?.string == "Ready" } }

    @Test func stopsContainersThenTheSandboxAndStartsAnotherOne() throws {
        var state = try Situation("{terminationGracePeriodSeconds: 7, containers: [{name: a, image: x}]}")
        state.add("a", .running)
        state.memory.hooksDone = ["a-0"]
        #expect(ready(state.status)?["status"]?.string == "True")
        state.isResting = true
        #expect(
            state.actions == [
                .stop(id: "a-0", name: "a", grace: 7, message: "Stopping container a", runsHook: true)
            ])
        // Nobody is to send it anything from now on.
        #expect(ready(state.status)?["status"]?.string == "False")
        #expect(ready(state.status)?["reason"]?.string == "ClusterAsleep")
        state.memory.stopping["a-0"] = .init(deadline: 1007)
        #expect(state.actions == [])
        #expect(!state.plan.isAtRest)
        state.memory.stopping = [:]
        state.finish("a", code: 143)
        #expect(state.actions == [.stopSandbox(id: "box")])
        state.memory.stoppedSandboxes = ["box"]
        #expect(state.actions == [] && state.plan.isAtRest && !state.plan.isTerminated)
        let status = state.status
        #expect(status["phase"]?.string == "Running")
        #expect(status["podIP"] == nil && status["podIPs"] == nil)
        #expect(status[path: "containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "ClusterAsleep")
        #expect(status[path: "containerStatuses"]?[0]?[path: "lastState", "terminated", "exitCode"]?.int == 143)
        #expect(Pod.isAsleep(status))
        state.isResting = false
        #expect(state.actions == [.createSandbox(attempt: 1)])
    }

    /// Whatever the pod says, nothing goes on running in a cluster that sleeps.
    @Test(arguments: ["Always", "Never"]) func endsInBoundedTime(policy: String) throws {
        var state = try Situation(
            "{restartPolicy: \(policy), terminationGracePeriodSeconds: 86400, containers: [{name: a, image: x}]}")
        state.add("a", .running)
        state.memory.hooksDone = ["a-0"]
        state.isResting = true
        if policy == "Never" { state.memory.failure = state.plan.failure }
        #expect(
            state.actions == [.stop(id: "a-0", name: "a", grace: 30, message: "Stopping container a", runsHook: true)])
    }

    @Test func leavesAloneWhatHasNotBegun() throws {
        var state = try Situation("{restartPolicy: Never, containers: [{name: a, image: x}]}")
        state.isResting = true
        state.observed.sandboxes = []
        #expect(state.plan.isAtRest)
        #expect(state.phase == "Pending")
        #expect(Pod.isAsleep(state.status))
    }

    @Test func aServerThatStartsFindsThemAtRest() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.isResting = true
        state.memory.isAttached = false
        state.observed.sandboxes[0].isReady = false
        state.add("a", .exited, code: 0)
        #expect(state.plan.isAtRest)
    }

    @Test(arguments: ["Never", "OnFailure"])
    func endsWhatWouldNotBeginAgain(policy: String) throws {
        var state = try Situation("{restartPolicy: \(policy), containers: [{name: a, image: x}]}")
        state.add("a", .running)
        state.isResting = true
        #expect(state.plan.failure?.reason == "Terminated")
        state.memory.failure = state.plan.failure
        state.finish("a", code: 0)
        state.memory.stoppedSandboxes = ["box"]
        #expect(state.plan.isTerminated)
        let status = state.status
        // Whatever code it ended with: its work was cut short.
        #expect(status["phase"]?.string == "Failed")
        let disruption = status["conditions"]?.elements.first { $0["type"]?.string == "DisruptionTarget" }
        #expect(disruption?["reason"]?.string == "TerminationByKubelet")
    }

    @Test func whatIsDoneIsDone() throws {
        var state = try Situation("{restartPolicy: Never, containers: [{name: a, image: x}]}")
        state.add("a", .exited, code: 0)
        state.isResting = true
        #expect(state.plan.failure == nil)
        state.memory.stoppedSandboxes = ["box"]
        #expect(state.phase == "Succeeded")
    }

    @Test func whatIsDeletedGoesAsAlways() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}", deleted: 0)
        state.isResting = true
        state.observed.sandboxes = []
        #expect(state.actions == [.release, .finalize])
    }
}
