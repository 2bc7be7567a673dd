import KubeObject
import KubeRegistry
import KubeStore
import Synchronization
import Testing

@testable import KubeRuntime

extension Integration {
    struct StreamTests {
        @Test func runsCommandsInContainers() async throws {
            try await withRuntime("exec", subnet: "10.231.7.0/24") { node in
                try await node.pod("box", "while true; do sleep 1; done")
                _ = try await node.waitForPhase("box", "Running")
                let target = PodTarget(cluster: node.cluster, pod: try #require(try node.get("pods", "box")))

                let out = CollectingSink()
                let error = CollectingSink()
                let code = try await node.runtime.exec(
                    target, container: "main", command: ["sh", "-c", "echo out; echo err >&2; exit 7"],
                    io: ContainerIO(stdout: out, stderr: error))
                #expect(code == 7)
                #expect(out.text == "out\n" && error.text == "err\n")
                #expect(out.isFinished && error.isFinished)

                // The input's end reaches the command, and its output after that is delivered.
                let (input, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                feed.yield(Array("one\ntwo\n".utf8))
                feed.finish()
                let counted = CollectingSink()
                let wc = try await node.runtime.exec(
                    target, container: "main", command: ["sh", "-c", "wc -l; echo end"],
                    io: ContainerIO(stdin: input, stdout: counted))
                #expect(wc == 0)
                #expect(counted.text == "2\nend\n")

                // A megabyte each way, unharmed.
                let (large, pump) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                for index in 0..<64 { pump.yield([UInt8](repeating: UInt8(index), count: 16384)) }
                pump.finish()
                let echoed = CollectingSink()
                _ = try await node.runtime.exec(
                    target, container: "main", command: ["cat"], io: ContainerIO(stdin: large, stdout: echoed))
                let isWhole = echoed.bytes == (0..<64).flatMap { [UInt8](repeating: UInt8($0), count: 16384) }
                #expect(isWhole, "\(echoed.bytes.count) bytes came back")

                // A terminal has a size, and one output.
                let (sizes, size) = AsyncThrowingStream<TerminalSize, any Error>.makeStream()
                size.yield(TerminalSize(width: 111, height: 33))
                let terminal = CollectingSink()
                let tty = try await node.runtime.exec(
                    target, container: "main", command: ["sh", "-c", "sleep 0.5; stty size; echo $TERM; exit 3"],
                    io: ContainerIO(stdout: terminal, tty: true, resizes: sizes))
                #expect(tty == 3)
                #expect(terminal.text == "33 111\r\nxterm\r\n")

                let failure = await #expect(throws: StatusError.self) {
                    try await node.runtime.exec(target, container: "main", command: ["nothing"], io: ContainerIO(stdout: out))
                }
                #expect(failure?.message.contains("executable file not found in $PATH") == true)
            }
        }

        @Test func attachesToAContainersProcess() async throws {
            try await withRuntime("attach", subnet: "10.231.16.0/24") { node in
                try await node.pod("once", "cat; echo end; exit 4", container: "    stdin: true\n    stdinOnce: true")
                _ = try await node.waitForPhase("once", "Running")
                let (input, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                feed.yield(Array("hello\n".utf8))
                feed.finish()
                let out = CollectingSink()
                let target = PodTarget(cluster: node.cluster, pod: try #require(try node.get("pods", "once")))
                try await node.runtime.attach(
                    target, container: "main", io: ContainerIO(stdin: input, stdout: out, stderr: CollectingSink()))
                #expect(out.text == "hello\nend\n")
                _ = try await node.waitForPhase("once", "Failed")

                try await node.pod(
                    "shell", "printf '> '; read line; echo got $line; stty size", container: "    stdin: true\n    tty: true")
                _ = try await node.waitForPhase("shell", "Running")
                let (keys, press) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                let (sizes, size) = AsyncThrowingStream<TerminalSize, any Error>.makeStream()
                size.yield(TerminalSize(width: 90, height: 20))
                let screen = CollectingSink()
                let shell = PodTarget(cluster: node.cluster, pod: try #require(try node.get("pods", "shell")))
                async let session: Void = node.runtime.attach(
                    shell, container: "main", io: ContainerIO(stdin: keys, stdout: screen, tty: true, resizes: sizes))
                try await Task.sleep(for: .milliseconds(300))
                press.yield(Array("x\r".utf8))
                try await session
                #expect(screen.text.contains("got x\r\n20 90\r\n"), "\(screen.text)")
            }
        }

        @Test func followsALogToTheEndOfItsContainer() async throws {
            try await withRuntime("follow", subnet: "10.231.8.0/24") { node in
                try await node.pod("count", "for i in 1 2 3 4 5; do echo $i; sleep 0.5; done")
                _ = try await node.wait(
                    "count", "running", { $0[path: "containerStatuses"]?[0]?[path: "state", "running"] != nil })
                #expect(try await node.logs("count", LogOptions(follow: true)) == "1\n2\n3\n4\n5\n")
                _ = try await node.waitForPhase("count", "Succeeded")
                #expect(try await node.logs("count", LogOptions(tailLines: 2)) == "4\n5\n")
            }
        }

        @Test func rotatesALogUnderItsFollower() async throws {
            try await withRuntime("rotate", subnet: "10.231.9.0/24") { node in
                try await node.pod("talk", "i=0; while [ $i -lt 30 ]; do echo $i; i=$((i+1)); sleep 0.1; done")
                let status = try await node.wait(
                    "talk", "running", { $0[path: "containerStatuses"]?[0]?[path: "state", "running"] != nil })
                async let all = node.logs("talk", LogOptions(follow: true))
                try await Task.sleep(for: .milliseconds(500))
                let id = try #require(status["containerStatuses"]?[0]?["containerID"]?.string?.dropFirst("containerd://".count))
                let uid = try #require(try node.get("pods", "talk")).metadata.uid
                let engine = node.runtime.engine
                let files = PodFiles(engine.paths, namespace: "default", name: "talk", uid: uid)
                try await LogRotation(paths: engine.paths, client: engine.client, logger: engine.logger)
                    .rotate(files.log("main", 0), container: String(id))
                #expect(try await all == (0..<30).map { "\($0)\n" }.joined())
                #expect(LogFiles(current: files.log("main", 0)).rotated.count == 1)
            }
        }

        @Test func forwardsAPortThatListensOnLoopback() async throws {
            try await withRuntime("forward", subnet: "10.231.10.0/24") { node in
                try await node.pod("echo", "echo hello > /tmp/x; httpd -f -p 127.0.0.1:8080 -h /tmp")
                _ = try await node.waitForPhase("echo", "Running")
                try await Task.sleep(for: .milliseconds(300))
                let target = PodTarget(cluster: node.cluster, pod: try #require(try node.get("pods", "echo")))
                let (input, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                feed.yield(Array("GET /x HTTP/1.0\r\n\r\n".utf8))
                feed.finish()
                let answer = CollectingSink()
                try await node.runtime.portForward(target, port: 8080, from: input, to: answer)
                #expect(answer.text.hasSuffix("\r\n\r\nhello\n"))
                let (none, end) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
                end.finish()
                let refused = await #expect(throws: PortForwardFailure.self) {
                    try await node.runtime.portForward(target, port: 9999, from: none, to: answer)
                }
                #expect(refused?.message.contains("connection refused") == true)
            }
        }
    }
}

/// Keeps what is written.
final class CollectingSink: ByteSink {
    private let state = Mutex<(bytes: [UInt8], isFinished: Bool)>(([], false))
    func write(_ bytes: [UInt8]) { state.withLock { $0.bytes += bytes } }
    func finish() { state.withLock { $0.isFinished = true } }
    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
