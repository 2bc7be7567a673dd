import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct PodStatusTests {
    private func condition(_ status: JSON, _ type: String) -> JSON? {
        status["conditions"]?.elements.first { $0["type"]?.string == type }
    }

    @Test func isPendingWhileContainersAreMade() throws {
        let state = try Situation("{containers: [{name: a, image: x}]}")
        let status = state.status
        #expect(status["phase"]?.string == "Pending")
        #expect(status["containerStatuses"]?[0]?["state"] == ["waiting": ["reason": "ContainerCreating"]])
        #expect(status["containerStatuses"]?[0]?["image"]?.string == "x")
        #expect(condition(status, "ContainersReady")?["reason"]?.string == "ContainersNotReady")
        #expect(condition(status, "ContainersReady")?["message"]?.string == "containers with unready status: [a]")
        #expect(condition(status, "PodReadyToStartContainers")?["status"]?.string == "True")
        #expect(status["podIP"]?.string == "10.0.0.2")
        #expect(status["hostIPs"] == [["ip": "192.0.2.1"]])
    }

    /// Else kubectl's list would show what they'd wait for, in the place of why the node didn't take the pod.
    @Test func saysNothingOfTheContainersOfAPodThatWasNeverTaken() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.memory.failure = .init(reason: "OutOfcpu", message: "Pod was rejected: x", isRejection: true)
        let status = state.status
        #expect(status["phase"]?.string == "Failed")
        #expect(status["containerStatuses"] == nil)
        // Nor does the next server.
        state.memory.failure = nil
        var tree = try #require(state.pod?.tree)
        tree["status"] = status
        state.pod = Pod(tree: tree, metadata: try Metadata(of: tree))
        #expect(state.status["containerStatuses"] == nil)
        #expect(state.status["reason"]?.string == "OutOfcpu")
    }

    @Test func saysThatContainersWaitForInitContainers() throws {
        var state = try Situation("{initContainers: [{name: i, image: x}], containers: [{name: a, image: x}]}")
        #expect(state.status["initContainerStatuses"]?[0]?["state"] == ["waiting": ["reason": "PodInitializing"]])
        state.add("i", .running)
        let status = state.status
        #expect(status["containerStatuses"]?[0]?["state"] == ["waiting": ["reason": "PodInitializing"]])
        #expect(condition(status, "Initialized")?["message"]?.string == "containers with incomplete status: [i]")
        state.finish("i", code: 0)
        #expect(condition(state.status, "Initialized")?["status"]?.string == "True")
        #expect(state.status["initContainerStatuses"]?[0]?["ready"]?.bool == true)
    }

    @Test func isReadyWhenTheProbeSaysSo() throws {
        var state = try Situation("{containers: [{name: a, image: x, readinessProbe: {tcpSocket: {port: 1}}}]}")
        state.add("a", .running)
        state.memory.hooksDone = ["a-0"]
        #expect(state.phase == "Running")
        #expect(state.status["containerStatuses"]?[0]?["ready"]?.bool == false)
        #expect(state.status["containerStatuses"]?[0]?["started"]?.bool == true)
        state.memory.probes["a-0"] = .init(isReady: true)
        #expect(state.status["containerStatuses"]?[0]?["ready"]?.bool == true)
        #expect(condition(state.status, "Ready")?["status"]?.string == "True")
    }

    /// What an earlier server wrote of the same container holds until a probe says something; that of another container doesn't.
    @Test(arguments: [("containerd://a-0", true, true), ("containerd://a-0", false, false), ("containerd://older", true, false)])
    func staysReadyOverARestartOfTheServer(_ id: String, _ wasReady: Bool, _ isReady: Bool) throws {
        var state = try Situation(
            "{containers: [{name: a, image: x, startupProbe: {tcpSocket: {port: 1}}, readinessProbe: {tcpSocket: {port: 1}}}]}")
        state.add("a", .running)
        var tree = try #require(state.pod?.tree)
        tree["status"] = [
            "containerStatuses": [
                ["name": "a", "containerID": .string(id), "started": .bool(wasReady), "ready": .bool(wasReady)]
            ]
        ]
        state.pod = Pod(tree: tree, metadata: try Metadata(of: tree))
        state.memory.adopt(state.observed.containers, state.pod)
        #expect(state.memory.hooksDone == ["a-0"])
        #expect(state.status["containerStatuses"]?[0]?["started"]?.bool == isReady)
        #expect(condition(state.status, "Ready")?["status"]?.string == (isReady ? "True" : "False"))
        state.memory.probes["a-0"] = .init(isStarted: true, isReady: false)
        #expect(condition(state.status, "Ready")?["status"]?.string == "False")
    }

    @Test func showsTheBackOffAndTheLastState() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.add("a", .exited, code: 1, finished: 999)
        state.memory.backoff.advance("a", now: 998)
        let container = try #require(state.status["containerStatuses"]?[0])
        #expect(container[path: "state", "waiting", "reason"]?.string == "CrashLoopBackOff")
        #expect(container[path: "lastState", "terminated", "exitCode"]?.int == 1)
        #expect(container[path: "lastState", "terminated", "reason"]?.string == "Error")
        #expect(state.phase == "Running")
    }

    @Test func honoursReadinessGates() throws {
        var state = try Situation("{readinessGates: [{conditionType: my/gate}], containers: [{name: a, image: x}]}")
        state.add("a", .running)
        state.memory.hooksDone = ["a-0"]
        #expect(condition(state.status, "Ready")?["reason"]?.string == "ReadinessGatesNotReady")
        #expect(condition(state.status, "ContainersReady")?["status"]?.string == "True")
    }

    @Test func tellsOfAResizeUntilItIsDone() throws {
        var state = try Situation("{containers: [{name: a, image: x, resources: {requests: {cpu: 200m}}}]}")
        state.add("a", .running)
        #expect(condition(state.status, "PodResizeInProgress") == nil)
        state.memory.resources["a-0"] = ["requests": ["cpu": "100m"]]
        let resizing = condition(state.status, "PodResizeInProgress")
        #expect(resizing?["status"]?.string == "True" && resizing?["reason"] == nil)
        state.memory.resizeFailures["a-0"] = .init(
            resources: ["requests": ["cpu": "200m"]], retryAt: 1010, message: "Container a: no")
        let failed = condition(state.status, "PodResizeInProgress")
        #expect(failed?["reason"]?.string == "Error" && failed?["message"]?.string == "Container a: no")
        // What failed was something else than what is wanted now.
        state.memory.resizeFailures["a-0"]?.resources = ["requests": ["cpu": "300m"]]
        #expect(condition(state.status, "PodResizeInProgress")?["reason"] == nil)
        state.memory.resizeFailures["a-0"] = nil
        state.memory.resources["a-0"] = ["requests": ["cpu": "200m"]]
        let done = PodStatus.merge(state.status, over: ["conditions": .array([failed ?? .null])])
        #expect(condition(done, "PodResizeInProgress") == nil)
    }

    /// As kubelet: of whatever container there is, whether it runs or not, and of one without requests and limits too.
    @Test func saysWhatResourcesContainersHave() throws {
        var state = try Situation(
            "{initContainers: [{name: i, image: x, resources: {limits: {cpu: 1}, requests: {cpu: 1}}}], containers: [{name: a, image: x}, {name: b, image: x}], ephemeralContainers: [{name: e, image: x}]}"
        )
        #expect(state.status["initContainerStatuses"]?[0]?["resources"] == nil)
        state.add("i", .exited, code: 0)
        state.add("a", .running)
        state.add("e", .running)
        let status = state.status
        let first = status["initContainerStatuses"]?[0]
        #expect(first?["resources"] == ["limits": ["cpu": 1], "requests": ["cpu": 1]])
        #expect(first?["allocatedResources"] == ["cpu": 1])
        let running = try #require(status["containerStatuses"]?[0])
        #expect(running["resources"] == [:])
        #expect(running["allocatedResources"] == nil)
        #expect(status["containerStatuses"]?[1]?["resources"] == nil, "there is no container yet")
        #expect(status["ephemeralContainerStatuses"]?[0]?["resources"] == [:])
    }

    /// A memory limit (the new one, the old one, what is used): whether it can be.
    @Test(
        arguments: [
            (10 << 20, "20Mi", 5 << 20, true), (10 << 20, "20Mi", 15 << 20, false), (10 << 20, "20Mi", 10 << 20, true),
            // Raised, as it was, and new: whatever is used.
            (30 << 20, "20Mi", 40 << 20, true), (20 << 20, "20Mi", 40 << 20, true), (10 << 20, nil, 15 << 20, true),
        ] as [(Int64, String?, UInt64, Bool)])
    func limitsAreNotLoweredBelowWhatIsUsed(_ limit: Int64, _ before: String?, _ used: UInt64, _ canBe: Bool) {
        let resources: JSON = before.map { ["limits": ["memory": .string($0)]] } ?? [:]
        let obstacle = PodResizing.obstacle(toLimit: limit, of: "a", from: resources, used: used)
        #expect((obstacle == nil) == canBe)
        if let obstacle {
            #expect(
                obstacle
                    == "cannot decrease memory limits: container \"a\": memory limit (10485760) below current usage (15728640)")
        }
    }

    @Test func tellsOfAResizeThatCannotBe() throws {
        var state = try Situation("{containers: [{name: a, image: x, resources: {requests: {cpu: 200m}}}]}")
        state.add("a", .running)
        state.memory.resources["a-0"] = ["requests": ["cpu": "100m"]]
        let resizing = PodResizing(pod: try #require(state.pod), observed: state.observed, memory: state.memory)
        #expect(resizing.isWanted && !resizing.isComplete)
        #expect(
            resizing.message("Pod resize Deferred", error: "a \"reason\"")
                == #"Pod resize Deferred: {"containers":[{"name":"a","resources":{"requests":{"cpu":"200m"}}}],"generation":0,"error":"a \"reason\""}"#
        )
        // Until it can be, the pod is as if nobody had asked.
        state.pod = resizing.withoutResize
        state.memory.pendingResize = .init(reason: "Deferred", message: "why")
        #expect(condition(state.status, "PodResizeInProgress") == nil)
        let pending = condition(state.status, "PodResizePending")
        #expect(pending?["status"] == "True" && pending?["reason"] == "Deferred" && pending?["message"] == "why")
        #expect(state.actions == [])
        state.memory.pendingResize = nil
        let done = PodStatus.merge(state.status, over: ["conditions": .array([pending ?? .null])])
        #expect(condition(done, "PodResizePending") == nil)
        #expect(PodResizing(pod: resizing.withoutResize, observed: state.observed, memory: state.memory).isComplete)
    }

    @Test func keepsWhatOthersWrote() throws {
        let stored: JSON = ["conditions": [["type": "my/gate", "status": "True"]], "qosClass": "Burstable"]
        let merged = PodStatus.merge(["conditions": [["type": "Ready", "status": "True"]]], over: stored)
        #expect(merged["conditions"]?.elements.count == 2)
        #expect(merged["qosClass"]?.string == "Burstable")
    }

    @Test func aDeletedPodThatNeverRanHasFailed() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}", deleted: 0)
        state.observed.sandboxes = []
        #expect(state.phase == "Failed")
    }
}
