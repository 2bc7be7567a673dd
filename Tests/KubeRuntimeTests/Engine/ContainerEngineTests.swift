import Glibc
import Logging
import SwiftProtobuf
import Testing

@testable import KubeRuntime

extension Integration {
    struct ContainerEngineTests {
        @Test func startsAdoptsAndLeavesNothing() async throws {
            try await withEngine("adopt", subnet: "10.231.0.0/24") { engine in
                let first = try #require(engine.runningProcess())
                try await engine.start()
                #expect(engine.runningProcess() == first)
                #expect(try await ImageStore(engine: engine).list().isEmpty)
                #expect(try await ImageStore(engine: engine).find(PauseImage.name) != nil)
            }
        }

        @Test func startsAgainWhenContainerdDies() async throws {
            try await withEngine("dies", subnet: "10.231.1.0/24") { engine in
                let first = try #require(engine.runningProcess())
                kill(first, SIGKILL)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await engine.supervise() }
                    while engine.runningProcess() == nil || engine.runningProcess() == first {
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    // The connection may still be the one to the process that was killed.
                    let end = ContinuousClock.now + .seconds(20)
                    while true {
                        do {
                            _ = try await engine.client.runtime.version(CRIVersionRequest(), options: .within(.seconds(10)))
                            break
                        } catch {
                            if ContinuousClock.now > end { throw error }
                            try await Task.sleep(for: .milliseconds(50))
                        }
                    }
                    group.cancelAll()
                }
            }
        }

        @Test(arguments: [false, true]) func takesAShimsSocketAway(isStopped: Bool) async throws {
            try await withEngine("shim-\(isStopped)", subnet: isStopped ? "10.231.2.0/24" : "10.231.3.0/24") { engine in
                let id = try await engine.client.runtime.runPodSandbox(
                    .with {
                        $0.config.metadata.name = "one"
                        $0.config.metadata.namespace = "test"
                        $0.config.metadata.uid = "one"
                        $0.config.linux.cgroupParent = engine.machine.usesSystemdCgroups ? "" : "\(engine.paths.cgroup)/one"
                    }, options: .within(.seconds(60))
                ).podSandboxID
                let socket = ShimSockets.path(of: id, engine: engine.paths.socket)
                #expect(File.exists(socket))
                for pid in engine.shims() { kill(pid, SIGKILL) }
                if isStopped { try await engine.stopAll() } else { try await engine.client.removeSandbox(id) }
                #expect(!File.exists(socket))
            }
        }

        @Test func refusesAPathThatIsTooLongForASocket() {
            let options = EngineOptions(dataDirectory: "/tmp/" + String(repeating: "x", count: 90), instance: "long")
            #expect(throws: EngineError.self) { try ContainerEngine(options: options, logger: Logger(label: "test")) }
        }
    }
}
