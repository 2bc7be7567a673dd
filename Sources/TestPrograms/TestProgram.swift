package import Foundation
import Glibc

/// A program that runs beside the tests.
///
/// Not Foundation's `Process`: its `run()` goes through the list of open files and reads beyond its end when there are many, as in a
/// process with many tests.
package struct TestProgram: Sendable {
    package let pid: pid_t
    /// Where its output can be read, and that of errors too.
    package let output: FileHandle
    /// Where its input can be written, if it was asked for.
    package let input: FileHandle?

    /// Starts a program, found by the path.
    /// - Throws: when the system has no room for it. That there's no such program is told by the exit status.
    package static func start(_ arguments: [String], environment: [String: String] = [:], takesInput: Bool = false) throws
        -> TestProgram
    {
        var (output, input): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe(&output) == 0 else { throw POSIXError(.EMFILE) }
        defer { close(output[1]) }
        if takesInput {
            guard pipe(&input) == 0 else { throw POSIXError(.EMFILE) }
        } else {
            input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)
        }
        defer { close(input[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input[0], 0), (output[1], 1), (output[1], 2)] as [(Int32, Int32)] {
            posix_spawn_file_actions_adddup2(&actions, from, to)
        }
        // Or the child would keep the server's connections open. glibc 2.34 has it, but not for Swift's module of the C library.
        typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { throw POSIXError(.ENOSYS) }
        _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3)
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var words = (["env"] + arguments).map { strdup($0) } + [nil]
        var settings = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + settings { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/usr/bin/env", &actions, nil, &words, &settings)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        return TestProgram(
            pid: pid, output: FileHandle(fileDescriptor: output[0], closeOnDealloc: true),
            input: takesInput ? FileHandle(fileDescriptor: input[1], closeOnDealloc: true) : nil)
    }

    /// Waits for its end.
    /// - Returns: the exit status; of a signal, 128 more than its number.
    @discardableResult
    package func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    package func killAndWait() {
        kill(pid, SIGKILL)
        wait()
    }
}

/// Runs a program, found by the path, and returns what it printed.
package func runProgram(
    _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
) async throws -> (output: String, status: Int32) {
    let child = try TestProgram.start(arguments, environment: environment, takesInput: input != nil)
    return await withCheckedContinuation { continuation in
        DispatchQueue(label: "run").async {
            if let input, let file = child.input {
                file.write(Data(input.utf8))
                file.closeFile()
            }
            let data = child.output.readDataToEndOfFile()
            continuation.resume(returning: (String(decoding: data, as: UTF8.self), child.wait()))
        }
    }
}

/// Whether a program can be run here.
package func hasProgram(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
}
