internal import GRPCCore
import Glibc
import KubeObject
import KubeRegistry
internal import NIOCore
internal import NIOPosix
internal import SwiftProtobuf

/// One command run in a container, by containerd's tasks API: through named pipes, so that the command's input can end while its
/// output goes on (the CRI's own streaming can't do that over a WebSocket).
struct ExecSession: Sendable {
    let client: EngineClient
    let container: String
    let command: [String]
    let io: ContainerIO
    /// Where the pipes are made.
    let directory: String
    let id: String

    /// Returns the command's exit code, when it ended and its output was delivered.
    func run() async throws -> Int32 {
        // The shim wants both outputs, whether or not the client does (a terminal has only one).
        let pipes = try Pipes(directory: "\(directory)/\(id)", stdin: io.stdin != nil, stdout: true, stderr: !io.tty)
        defer { pipes.remove() }
        let spec = try await processSpec()
        do {
            _ = try await client.tasks.exec(
                .with {
                    $0.containerID = container
                    $0.execID = id
                    $0.stdin = pipes.stdin ?? ""
                    $0.stdout = pipes.stdout ?? ""
                    $0.stderr = pipes.stderr ?? ""
                    $0.terminal = io.tty
                    $0.spec = .with {
                        $0.typeURL = "types.containerd.io/opencontainers/runtime-spec/1/Process"
                        $0.value = .init(spec.encoded())
                    }
                }, metadata: .criNamespace, options: .within(.seconds(30)))
        } catch let error as RPCError {
            throw StatusError.internalError("error executing command in container: failed to exec in container: \(error.message)")
        }
        // Opened before the start: the other side finds a reader, and no output can be missed.
        let output = try pipes.openReaders()
        let code = try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                let answer = try await client.tasks.wait(
                    .with {
                        $0.containerID = container
                        $0.execID = id
                    }, metadata: .criNamespace, options: .unlimited)
                return Int32(truncatingIfNeeded: answer.exitStatus)
            }
            do {
                _ = try await client.tasks.start(
                    .with {
                        $0.containerID = container
                        $0.execID = id
                    }, metadata: .criNamespace, options: .within(.seconds(60)))
            } catch let error as RPCError {
                group.cancelAll()
                for descriptor in [output.stdout, output.stderr].compactMap({ $0 }) { close(descriptor) }
                await delete()
                throw StatusError.internalError(
                    "error executing command in container: failed to exec in container: failed to start exec \"\(id)\": \(error.message)"
                )
            }
            group.addTask {
                try await stream(pipes, output)
                return nil
            }
            return try await finish(&group)
        }
        await delete()
        return code
    }

    /// Ends the command, when its client has gone.
    func kill() async {
        do {
            _ = try await client.tasks.kill(
                .with {
                    $0.containerID = container
                    $0.execID = id
                    $0.signal = UInt32(SIGKILL)
                }, metadata: .criNamespace, options: .within(.seconds(10)))
            try await Task.sleep(for: .milliseconds(100))
        } catch {
            // It has ended by itself.
        }
        await delete()
    }

    /// The code is there when the process ends; its output may take a moment longer, or (when it left a child behind that holds its
    /// output open) never end: then not more than a few seconds.
    private func finish(_ group: inout ThrowingTaskGroup<Int32?, any Error>) async throws -> Int32 {
        var code: Int32?
        var isStreamed = false
        while code == nil || !isStreamed {
            guard let result = try await group.next() else { break }
            if let value = result {
                if value == Self.patience { break }
                code = value
                if !isStreamed {
                    group.addTask {
                        try await Task.sleep(for: .seconds(5))
                        return Self.patience
                    }
                }
            } else {
                isStreamed = true
            }
        }
        group.cancelAll()
        return code ?? -1
    }

    private static let patience = Int32.min

    /// All streams at once; returns when the outputs have ended (the input may be waiting for a client that has no more to say).
    private func stream(_ pipes: Pipes, _ output: (stdout: Int32?, stderr: Int32?)) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            var outputs = 0
            for (descriptor, sink) in [(output.stdout, io.stdout), (output.stderr, io.stderr)] {
                guard let descriptor else { continue }
                outputs += 1
                group.addTask {
                    try await PipeIO.read(descriptor, to: sink)
                    return true
                }
            }
            if let source = io.stdin, let path = pipes.stdin {
                group.addTask {
                    try await PipeIO.write(source, to: path)
                    try await closeInput()
                    return false
                }
            }
            if let sizes = io.resizes, io.tty {
                group.addTask {
                    for try await size in sizes { try await resize(size) }
                    return false
                }
            }
            while outputs > 0, let isOutput = try await group.next() { if isOutput { outputs -= 1 } }
            group.cancelAll()
        }
    }

    private func closeInput() async throws {
        do {
            _ = try await client.tasks.closeIO(
                .with {
                    $0.containerID = container
                    $0.execID = id
                    $0.stdin = true
                }, metadata: .criNamespace, options: .within(.seconds(10)))
        } catch let error as RPCError where error.code == .notFound || error.code == .failedPrecondition {
            return  // it has ended
        }
    }

    private func resize(_ size: TerminalSize) async throws {
        do {
            _ = try await client.tasks.resizePty(
                .with {
                    $0.containerID = container
                    $0.execID = id
                    $0.width = UInt32(size.width)
                    $0.height = UInt32(size.height)
                }, metadata: .criNamespace, options: .within(.seconds(10)))
        } catch is RPCError {
            return  // it has ended, or isn't there yet: the size is a courtesy
        }
    }

    private func delete() async {
        do {
            _ = try await client.tasks.deleteProcess(
                .with {
                    $0.containerID = container
                    $0.execID = id
                }, metadata: .criNamespace, options: .within(.seconds(10)))
        } catch {
            return  // gone with its container
        }
    }

    /// The container's own process, with another command: same user, environment, capabilities, working directory.
    private func processSpec() async throws -> JSON {
        let answer = try await client.containers.get(
            .with { $0.id = container }, metadata: .criNamespace, options: .within(.seconds(10)))
        let spec = try JSON(parsing: Array(answer.container.spec.value))
        guard var process = spec["process"] else {
            throw StatusError.internalError("the container \(container) has no process to take after")
        }
        process["args"] = JSON(command)
        process["terminal"] = .bool(io.tty)
        if io.tty {
            let others = (process["env"]?.strings ?? []).filter { !$0.hasPrefix("TERM=") }
            process["env"] = JSON(others + ["TERM=xterm"])
        }
        return process
    }
}
