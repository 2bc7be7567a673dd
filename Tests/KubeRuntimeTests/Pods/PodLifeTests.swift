import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeRuntime

extension Integration {
    struct PodLifeTests {
        @Test func runsAPodFromItsCreationToItsEnd() async throws {
            try await withRuntime("life", subnet: "10.231.2.0/24") { node in
                let start = ContinuousClock.now
                try await node.pod(
                    "web", "echo started; trap 'echo bye; exit 0' TERM; while true; do sleep 0.1; done", restart: "Always")
                let status = try await node.wait("web", "Ready") { status in
                    (status["conditions"]?.elements ?? []).contains {
                        $0["type"]?.string == "Ready" && $0["status"]?.string == "True"
                    }
                }
                print("pod create to Running: \(ContinuousClock.now - start)")
                #expect(status["phase"]?.string == "Running")
                let ip = try #require(status["podIP"]?.string)
                #expect(ip.hasPrefix("10.231.2."))
                #expect(node.addresses.pod(at: ip)?.name == "web")
                #expect(await node.log.attached == ["web"])
                let container = try #require(status["containerStatuses"]?[0])
                #expect(container["ready"]?.bool == true)
                #expect(container["started"]?.bool == true)
                #expect(container["restartCount"]?.int == 0)
                #expect(container["containerID"]?.string?.hasPrefix("containerd://") == true)
                #expect(container["image"]?.string == "docker.io/library/busybox:test")
                #expect(container["imageID"]?.string?.hasPrefix("sha256:") == true)
                let types = (status["conditions"]?.elements ?? []).compactMap { $0["type"]?.string }
                #expect(types == ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"])

                #expect(try await node.logs("web") == "started\n")
                let deletion = ContinuousClock.now
                try await node.delete("web")
                try await node.waitUntilGone("web")
                print("pod delete to gone: \(ContinuousClock.now - deletion)")
                #expect(node.addresses.pod(at: ip) == nil)
                #expect(await node.log.detached == ["web"])
                let events = node.events("web")
                for reason in ["Pulled", "Created", "Started", "Killing"] {
                    #expect(events.contains(reason), "no \(reason) in \(events)")
                }
            }
        }

        @Test func reportsHowContainersEnded() async throws {
            try await withRuntime("ended", subnet: "10.231.3.0/24") { node in
                try await node.pod("good", "echo done")
                try await node.pod("bad", "echo because > /dev/termination-log; exit 3")
                let good = try await node.waitForPhase("good", "Succeeded")
                #expect(good[path: "containerStatuses"]?[0]?[path: "state", "terminated", "reason"]?.string == "Completed")
                let bad = try await node.waitForPhase("bad", "Failed")
                let ended = bad["containerStatuses"]?[0]?[path: "state", "terminated"]
                #expect(ended?["exitCode"]?.int == 3)
                #expect(ended?["reason"]?.string == "Error")
                #expect(ended?["message"]?.string == "because\n")
                #expect(try await node.logs("good") == "done\n")
                try await node.delete("good")
                try await node.waitUntilGone("good")
            }
        }

        @Test func restartsWithBackOff() async throws {
            try await withRuntime("crash", subnet: "10.231.4.0/24") { node in
                try await node.pod("crash", "echo again; exit 1", restart: "Always")
                let status = try await node.wait("crash", "CrashLoopBackOff") {
                    $0["containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "CrashLoopBackOff"
                }
                let container = try #require(status["containerStatuses"]?[0])
                #expect(container["restartCount"]?.int == 1)
                #expect(container[path: "lastState", "terminated", "exitCode"]?.int == 1)
                let message = container[path: "state", "waiting", "message"]?.string ?? ""
                #expect(message.hasPrefix("back-off 10s restarting failed container=main pod=crash_default("))
                #expect(status["phase"]?.string == "Running")
                #expect(try await node.logs("crash", LogOptions(previous: true)) == "again\n")
            }
        }

        @Test func saysWhyAContainerCannotBeMade() async throws {
            try await withRuntime("refused", subnet: "10.231.5.0/24") { node in
                try await node.pod(
                    "config", "true", container: "    env: [{name: A, valueFrom: {configMapKeyRef: {name: missing, key: x}}}]")
                let config = try await node.wait("config", "CreateContainerConfigError") {
                    $0["containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "CreateContainerConfigError"
                }
                #expect(
                    config["containerStatuses"]?[0]?[path: "state", "waiting", "message"]?.string
                        == "configmap \"missing\" not found"
                )
                #expect(config["phase"]?.string == "Pending")
                // It goes on as soon as the config map is there.
                try await node.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: missing}, data: {x: z}}")
                _ = try await node.waitForPhase("config", "Succeeded")

                try await node.create(
                    """
                    {apiVersion: v1, kind: Pod, metadata: {name: never}, spec: {nodeName: node, automountServiceAccountToken: false,
                     containers: [{name: main, image: nowhere.invalid/x:1, imagePullPolicy: Never}]}}
                    """)
                let never = try await node.wait("never", "ErrImageNeverPull") {
                    $0["containerStatuses"]?[0]?[path: "state", "waiting", "reason"]?.string == "ErrImageNeverPull"
                }
                #expect(
                    never["containerStatuses"]?[0]?[path: "state", "waiting", "message"]?.string
                        == "Container image \"nowhere.invalid/x:1\" is not present with pull policy of Never")
            }
        }

        @Test func adoptsRunningPodsAfterARestart() async throws {
            try await withRuntime("again", subnet: "10.231.6.0/24") { node in
                try await node.pod("stays", "while true; do sleep 1; done", restart: "Always")
                _ = try await node.waitForPhase("stays", "Running")
                try await node.pod("leaves", "while true; do sleep 1; done", restart: "Always")
                _ = try await node.waitForPhase("leaves", "Running")
            } afterRestart: { node in
                let before = try node.status("stays")["containerStatuses"]?[0]?["containerID"]
                try await Task.sleep(for: .milliseconds(500))
                let after = try node.status("stays")
                #expect(after["containerStatuses"]?[0]?["containerID"] == before)
                #expect(after["containerStatuses"]?[0]?["restartCount"]?.int == 0)
                #expect(await node.log.attached.sorted() == ["leaves", "stays"])
                try await node.delete("leaves")
                try await node.waitUntilGone("leaves")
                #expect(try node.status("stays")["phase"]?.string == "Running")
            }
        }
    }
}
