import Glibc
import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeRuntime

extension Integration {
    struct PodCrowdTests {
        @Test func runsManyPodsAndSurvivesTheEnginesDeath() async throws {
            try await withRuntime("crowd", subnet: "10.231.17.0/24") { node in
                let names = (0..<20).map { "p\($0)" }
                let start = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names {
                        group.addTask {
                            try await node.pod(name, "trap 'exit 0' TERM; while true; do sleep 0.1; done", restart: "Always")
                        }
                    }
                    try await group.waitForAll()
                }
                for name in names { _ = try await node.wait(name, "Running", seconds: 60) { $0["phase"]?.string == "Running" } }
                print("20 pods at once to Running: \(ContinuousClock.now - start)")

                // containerd dies: its containers go on, and so do their pods.
                let before = try names.map { try node.status($0)["containerStatuses"]?[0]?["containerID"] }
                let engine = node.runtime.engine
                let pid = try #require(engine.runningProcess())
                kill(pid, SIGKILL)
                while engine.runningProcess() == nil || engine.runningProcess() == pid {
                    try await Task.sleep(for: .milliseconds(50))
                }
                try await Task.sleep(for: .seconds(2))
                let after = try names.map { try node.status($0)["containerStatuses"]?[0]?["containerID"] }
                #expect(before == after)
                #expect(try names.allSatisfy { try node.status($0)["containerStatuses"]?[0]?["ready"]?.bool == true })

                let deletion = ContinuousClock.now
                for name in names { try await node.delete(name) }
                for name in names { try await node.waitUntilGone(name) }
                print("20 pods at once to gone: \(ContinuousClock.now - deletion)")
                let end = Timestamp.seconds + 10
                while !(File.names(in: engine.paths.pods) + File.names(in: engine.paths.podLogs)).isEmpty, Timestamp.seconds < end
                {
                    try await Task.sleep(for: .milliseconds(50))
                }
                // Nothing of a pod stays while the engine goes on.
                #expect(File.names(in: engine.paths.pods) == [])
                #expect(File.names(in: engine.paths.podLogs) == [])
                let left = engine.leftovers().filter { !$0.hasPrefix("process") && !$0.hasPrefix("cgroup") }
                #expect(left.isEmpty, "\(left)")
                for directory in Cgroups.existing(engine.paths.cgroup) {
                    #expect(File.names(in: directory).filter { $0.hasPrefix("pod") } == [])
                }
            }
        }

        @Test func killsWhatDoesNotEndAndSaysWhatCannotBePulled() async throws {
            try await withRuntime("stubborn", subnet: "10.231.18.0/24") { node in
                try await node.pod("stubborn", "trap '' TERM; while true; do sleep 0.1; done")
                _ = try await node.waitForPhase("stubborn", "Running")
                let start = ContinuousClock.now
                try await node.delete("stubborn")
                try await node.waitUntilGone("stubborn")
                #expect(ContinuousClock.now - start > .seconds(1.5))

                try await node.create(
                    """
                    {apiVersion: v1, kind: Pod, metadata: {name: far}, spec: {nodeName: node, automountServiceAccountToken: false,
                     containers: [{name: main, image: 'localhost:1/nothing:1'}]}}
                    """)
                let failed = try await node.wait("far", "ErrImagePull") {
                    $0["containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "ErrImagePull"
                }
                #expect(failed["phase"]?.string == "Pending")
                let waiting = try await node.wait("far", "ImagePullBackOff") {
                    $0["containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "ImagePullBackOff"
                }
                let message = waiting["containerStatuses"]?[0]?[path: "state", "waiting", "message"]?.string ?? ""
                #expect(message.hasPrefix("Back-off pulling image \"localhost:1/nothing:1\": ErrImagePull: "))
                try await node.delete("far")
                try await node.waitUntilGone("far")
            }
        }

        @Test func endsAPodAfterItsDeadline() async throws {
            try await withRuntime("deadline", subnet: "10.231.19.0/24") { node in
                try await node.pod("late", "while true; do sleep 0.1; done", more: "  activeDeadlineSeconds: 2")
                let status = try await node.waitForPhase("late", "Failed")
                #expect(status["reason"]?.string == "DeadlineExceeded")
                _ = try await node.wait("late", "ended") { $0["containerStatuses"]?[0]?[path: "state", "terminated"] != nil }
            }
        }
    }
}
