import KubeObject
import Testing

@testable import KubeRuntime

/// The rules by which a pod is brought forward, without engine, clock or disk. Time is in seconds; "now" is 1000.
@Suite struct PodMachineTests {
    // MARK: Making a pod

    @Test func beginsWithVolumesThenSandboxThenNetworkThenContainer() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.memory.volumesReady = false
        state.observed.sandboxes = []
        #expect(state.actions == [.mountVolumes])
        state.memory.volumesReady = true
        #expect(state.actions == [.createSandbox(attempt: 0)])
        state.observed.sandboxes = [Situation.sandbox()]
        state.memory.isAttached = false
        #expect(state.actions == [.attach])
        state.memory.isAttached = true
        #expect(state.actions == [.start(container: "a", attempt: 0)])
    }

    @Test func startsContainersOneAfterTheOther() throws {
        var state = try Situation("{containers: [{name: a, image: x}, {name: b, image: x}]}")
        #expect(state.actions == [.start(container: "a", attempt: 0)])
        state.memory.starting = ["a"]
        #expect(state.actions == [])
        state.memory.starting = []
        state.add("a", .running)
        #expect(state.actions == [.start(container: "b", attempt: 0)])
    }

    @Test func runsInitContainersInOrderAndToTheirEnd() throws {
        var state = try Situation(
            "{initContainers: [{name: i, image: x}, {name: j, image: x}], containers: [{name: a, image: x}]}")
        #expect(state.actions == [.start(container: "i", attempt: 0)])
        state.add("i", .running)
        #expect(state.actions == [])
        state.finish("i", code: 0)
        #expect(state.actions == [.start(container: "j", attempt: 0)])
        state.add("j", .exited)
        #expect(state.actions == [.start(container: "a", attempt: 0)])
    }

    @Test func startsEphemeralContainersOnce() throws {
        var state = try Situation(
            """
            {initContainers: [{name: i, image: x}], containers: [{name: a, image: x}],
             ephemeralContainers: [{name: e, image: x, targetContainerName: a}]}
            """)
        // Also while the pod isn't initialized: they are there to find out why.
        #expect(state.actions == [.start(container: "e", attempt: 0), .start(container: "i", attempt: 0)])
        state.memory.starting = ["e"]
        #expect(state.actions == [.start(container: "i", attempt: 0)])
        state.memory.starting = []
        state.add("e", .running)
        state.add("i", .exited)
        state.add("a", .running)
        #expect(state.actions == [])
        state.finish("e", code: 1)
        #expect(state.actions == [])
    }

    @Test func resizesInPlaceUnlessThePolicySaysOtherwise() throws {
        var state = try Situation(
            """
            {containers: [{name: a, image: x, resources: {requests: {cpu: 200m}},
             resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]}]}
            """)
        state.add("a", .running)
        #expect(state.actions == [])
        state.memory.resources["a-0"] = ["requests": ["cpu": "0.2"]]
        #expect(state.actions == [])
        state.memory.resources["a-0"] = ["requests": ["cpu": "100m"]]
        #expect(state.actions == [.resize(id: "a-0", container: "a")])
        // What failed is tried again in a while, and something else at once.
        state.memory.resizeFailures["a-0"] = .init(
            resources: ["requests": ["cpu": "200m"]], retryAt: 1010, message: "no")
        #expect(state.actions == [])
        state.memory.resizeFailures["a-0"]?.resources = ["requests": ["cpu": "300m"]]
        #expect(state.actions == [.resize(id: "a-0", container: "a")])
        state.memory.resizeFailures["a-0"] = nil
        state.memory.resources["a-0"] = ["requests": ["cpu": "200m", "memory": "1Mi"]]
        guard case .stop("a-0", "a", _, let message, _)? = state.actions.first else {
            Issue.record("\(state.actions)")
            return
        }
        #expect(message == "Container a resize requires restart")
    }

    @Test func waitsForASidecarsStartupBeforeTheContainers() throws {
        var state = try Situation(
            """
            {initContainers: [{name: s, image: x, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}}}],
             containers: [{name: a, image: x}]}
            """)
        #expect(state.actions == [.start(container: "s", attempt: 0)])
        state.add("s", .running)
        #expect(state.actions == [])
        state.memory.hooksDone = ["s-0"]
        #expect(state.actions == [])
        state.memory.probes["s-0"] = .init(isStarted: true)
        #expect(state.actions == [.start(container: "a", attempt: 0)])
        // Later it's started again beside the running container.
        state.add("a", .running)
        state.finish("s", code: 0, at: 900)
        #expect(state.actions == [.start(container: "s", attempt: 1)])
    }

    @Test func failsAPodWhoseInitContainerFailedForGood() throws {
        var state = try Situation(
            "{restartPolicy: Never, initContainers: [{name: i, image: x}], containers: [{name: a, image: x}]}")
        state.add("i", .exited, code: 1)
        #expect(state.actions == [.stopSandbox(id: "box")])
        #expect(state.phase == "Failed")
    }

    // MARK: Restarting

    @Test(arguments: [
        ("Always", Int32(0), true), ("Always", 1, true), ("OnFailure", 0, false), ("OnFailure", 1, true), ("Never", 0, false),
        ("Never", 1, false),
    ])
    func followsTheRestartPolicy(policy: String, code: Int32, restarts: Bool) throws {
        var state = try Situation("{restartPolicy: \(policy), containers: [{name: a, image: x}]}")
        state.add("a", .exited, code: code)
        #expect(state.actions == (restarts ? [.start(container: "a", attempt: 1)] : [.stopSandbox(id: "box")]))
        if !restarts { #expect(state.phase == (code == 0 ? "Succeeded" : "Failed")) }
    }

    @Test func waitsForTheBackOff() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.add("a", .exited, code: 1, finished: 999)
        state.memory.backoff.advance("a", now: 998)
        #expect(state.actions == [])
        #expect(state.plan.wakeAt == 1009)
        #expect(state.plan.backoffs["a"] == "back-off 10s restarting failed container=a pod=p_ns(u)")
        state.now = 1009
        #expect(state.actions == [.start(container: "a", attempt: 1)])
    }

    @Test func keepsOnlyTheLastTwoAttempts() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        for attempt in 0..<3 { state.add("a", .exited, code: 1, attempt: UInt32(attempt)) }
        state.add("a", .running, attempt: 3)
        #expect(state.actions == [.remove(id: "a-1"), .remove(id: "a-0")])
    }

    @Test func makesEverythingAgainWhenTheSandboxIsLost() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.observed.sandboxes[0].isReady = false
        state.add("a", .running)
        guard case .stop(let id, "a", 30, _, true)? = state.actions.first else {
            Issue.record("\(state.actions)")
            return
        }
        #expect(id == "a-0")
        state.finish("a", code: 137)
        #expect(state.actions == [.stopSandbox(id: "box")])
        state.memory.stoppedSandboxes = ["box"]
        #expect(state.actions == [.createSandbox(attempt: 1)])
    }

    // MARK: Health

    @Test(arguments: ["liveness", "startup"])
    func stopsAnUnhealthyContainer(probe: String) throws {
        var state = try Situation("{containers: [{name: a, image: x, \(probe)Probe: {terminationGracePeriodSeconds: 7}}]}")
        state.add("a", .running)
        state.memory.probes["a-0"] = .init(failure: probe)
        #expect(
            state.actions == [
                .stop(
                    id: "a-0", name: "a", grace: 7, message: "Container a failed \(probe) probe, will be restarted",
                    runsHook: true)
            ])
        state.memory.stopping["a-0"] = .init(deadline: 1007)
        #expect(state.actions == [])
    }

    @Test func replacesAContainerWhoseImageChanged() throws {
        var state = try Situation("{containers: [{name: a, image: new}]}")
        state.add("a", .running)
        #expect(
            state.actions == [
                .stop(
                    id: "a-0", name: "a", grace: 30, message: "Container a definition changed, will be restarted", runsHook: true)
            ])
    }

    @Test func waitsForAMomentUntilAnImageHasSettled() throws {
        var state = try Situation("{containers: [{name: a, image: new}, {name: b, image: x}]}")
        state.add("a", .running)
        state.add("b", .running)
        func note(at time: Double) throws {
            state.now = time
            state.memory.noteImages(state.observed.containers, try #require(state.pod), now: time)
        }
        try note(at: 1000)
        #expect(state.plan.wakeAt == 1000 + PodMachine.imageSettling)
        #expect(state.actions == [])
        try note(at: 1000.4)
        #expect(state.plan.wakeAt == 1000 + PodMachine.imageSettling)
        #expect(state.actions == [])
        try note(at: 1000.5)
        #expect(state.plan.wakeAt == nil)
        #expect(state.names == ["a"])

        // Yet another one begins anew, and the old one again is none.
        state.memory.imageChanges["a-0"]?.image = "z"
        try note(at: 1000.6)
        #expect(state.actions == [])
        state.observed.containers[1].specImage = "new"
        try note(at: 1000.7)
        #expect(state.memory.imageChanges.isEmpty)
        #expect(state.plan.wakeAt == nil)
        #expect(state.actions == [])
    }

    // MARK: Ending

    @Test func deletesInOrder() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}", deleted: 5)
        state.add("a", .running)
        #expect(state.actions == [.stop(id: "a-0", name: "a", grace: 5, message: "Stopping container a", runsHook: true)])
        state.memory.stopping["a-0"] = .init(deadline: 1005)
        #expect(state.actions == [])
        state.memory.stopping = [:]
        state.finish("a", code: 0)
        #expect(state.actions == [.stopSandbox(id: "box")])
        state.memory.stoppedSandboxes = ["box"]
        #expect(state.actions == [.release, .finalize])
        state.memory.isReleased = true
        state.memory.isFinalized = true
        #expect(state.actions == [])
        state.pod = nil
        #expect(state.actions == [.forget])
    }

    @Test func stopsSidecarsLast() throws {
        var state = try Situation(
            """
            {initContainers: [{name: s, image: x, restartPolicy: Always}, {name: t, image: x, restartPolicy: Always}],
             containers: [{name: a, image: x}]}
            """, deleted: 30)
        for name in ["s", "t", "a"] { state.add(name, .running) }
        #expect(state.names == ["a"])
        state.finish("a", code: 0)
        #expect(state.names == ["t"])
        state.finish("t", code: 0)
        #expect(state.names == ["s"])
    }

    @Test func takesAnyPatience() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}", deleted: .max)
        state.add("a", .running)
        #expect(
            state.actions == [
                .stop(id: "a-0", name: "a", grace: Int64(Int32.max), message: "Stopping container a", runsHook: true)
            ])
    }

    @Test func deletingAgainWithLessPatienceCutsTheFirstShort() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}", deleted: 1)
        state.add("a", .running)
        state.memory.stopping["a-0"] = .init(deadline: 1030)
        #expect(state.actions == [.stop(id: "a-0", name: "a", grace: 1, message: "Stopping container a", runsHook: false)])
    }

    @Test func stopsWhatIsLeftOfAPodThatIsGone() throws {
        var state = try Situation("{containers: [{name: a, image: x}]}")
        state.pod = nil
        state.add("a", .running)
        #expect(state.actions == [.stop(id: "a-0", name: "a", grace: 1, message: "Stopping container a", runsHook: false)])
    }

    @Test func failsAPodAfterItsDeadline() throws {
        var state = try Situation("{activeDeadlineSeconds: 10, containers: [{name: a, image: x}]}")
        state.add("a", .running)
        state.memory.firstSeen = 995
        #expect(state.plan.wakeAt == 1005)
        state.now = 1006
        #expect(state.plan.failure?.reason == "DeadlineExceeded")
        #expect(state.names == ["a"])
    }
}

/// A pod, what the engine has of it, and what is remembered.
struct Situation {
    var pod: Pod?
    var observed = ObservedPod()
    var memory = PodMemory()
    var now = 1000.0
    var isResting = false
    private let spec: Pod

    init(_ spec: String, deleted: Int? = nil) throws {
        var tree: JSON = ["metadata": ["name": "p", "namespace": "ns", "uid": "u"]]
        tree["spec"] = try YAML.parse(Array(spec.utf8)).first
        if let deleted {
            tree[path: "metadata", "deletionTimestamp"] = "2026-01-01T00:00:00Z"
            tree[path: "metadata", "deletionGracePeriodSeconds"] = .int(Int64(deleted))
        }
        self.spec = Pod(tree: tree, metadata: try Metadata(of: tree))
        pod = self.spec
        observed.sandboxes = [Self.sandbox()]
        memory.volumesReady = true
        memory.isAttached = true
        memory.firstSeen = 900
    }

    static func sandbox() -> ObservedSandbox {
        ObservedSandbox(id: "box", attempt: 0, isReady: true, createdAt: 1, ips: ["10.0.0.2"])
    }

    var plan: PodMachine.Plan { PodMachine(pod: pod, observed: observed, memory: memory, now: now, isResting: isResting).plan() }
    var actions: [PodMachine.Action] { plan.actions }

    /// The names of the containers that are to be stopped.
    var names: [String] {
        actions.compactMap { if case .stop(_, let name, _, _, _) = $0 { name } else { nil } }
    }

    var status: JSON {
        PodStatus(pod: pod ?? spec, observed: observed, memory: memory, plan: plan, hostIPs: ["192.0.2.1"], now: now).build()
    }

    var phase: String? { status["phase"]?.string }

    mutating func add(
        _ name: String, _ state: ObservedContainer.State, code: Int32 = 0, attempt: UInt32 = 0, finished: Double = 500
    ) {
        var container = ObservedContainer(id: "\(name)-\(attempt)", sandboxID: "box", name: name, attempt: attempt, state: state)
        container.startedAt = 1
        container.specImage = "x"
        if state == .exited {
            container.exitCode = code
            container.finishedAt = Int64(finished * 1e9)
        }
        observed.containers.insert(container, at: 0)
    }

    mutating func finish(_ name: String, code: Int32, at time: Double = 500) {
        guard let index = observed.containers.firstIndex(where: { $0.name == name }) else { return }
        observed.containers[index].state = .exited
        observed.containers[index].exitCode = code
        observed.containers[index].finishedAt = Int64(time * 1e9)
    }
}
