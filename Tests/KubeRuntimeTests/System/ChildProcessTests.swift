import Foundation
import Glibc
import Testing

@testable import KubeRuntime

@Suite struct ChildProcessTests {
    /// What a shell's script says, through a pipe.
    private func said(_ script: String, environment: [String]? = nil, isDetached: Bool = false) throws -> String {
        let pipe = Pipe()
        let child = try ChildProcess(
            "/bin/sh", ["-c", script], streams: (.nothing, .descriptor(pipe.fileHandleForWriting.fileDescriptor)),
            environment: environment, isDetached: isDetached)
        try pipe.fileHandleForWriting.close()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        #expect(child.wait() == 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func tellsHowItEnded() throws {
        #expect(try ChildProcess("/bin/sh", ["-c", "exit 7"]).wait() == 7)
        #expect(try ChildProcess("/bin/sh", ["-c", "kill -9 $$"]).wait() == 137)
        #expect(throws: EngineError.self) { try ChildProcess("/no/such/program", []) }
    }

    @Test func isWaitedForOnce() throws {
        let child = try ChildProcess("/bin/true", [])
        #expect(child.wait() == 0)
        #expect(child.wait() == nil)
    }

    @Test func hasNothingOfThisProcessButItsStreams() throws {
        // Not closed on exec, above the three.
        let leak = dup(2)
        defer { close(leak) }
        // What `ls` opens itself is the directory.
        #expect(try said("ls /proc/self/fd").split(separator: "\n") == ["0", "1", "2", "3"])
        #expect(try said("cat; readlink /proc/self/fd/0; echo wrong >&2") == "/dev/null\nwrong\n")
    }

    @Test func hasTheEnvironmentThatItIsGiven() throws {
        #expect(try said("echo $A-$HOME", environment: ["A=b"]) == "b-\n")
        setenv("SAMPAN_CHILD_TEST", "here", 1)
        defer { unsetenv("SAMPAN_CHILD_TEST") }
        #expect(try said("echo $SAMPAN_CHILD_TEST") == "here\n")
    }

    @Test func isASessionOfItsOwnWhenDetached() throws {
        let script = "pwd; cut -d' ' -f6 /proc/$$/stat; echo $$"
        let lines = try said(script, isDetached: true).split(separator: "\n")
        #expect(lines.first == "/")
        #expect(lines.count == 3 && lines[1] == lines[2])
        let attached = try said(script).split(separator: "\n")
        #expect(attached[1] != attached[2])
    }

    @Test func appendsToALog() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "child-\(UUID()).log").path
        defer { unlink(path) }
        for word in ["one", "two"] {
            #expect(try ChildProcess("/bin/sh", ["-c", "echo \(word)"], streams: (.nothing, .log(path))).wait() == 0)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "one\ntwo\n")
    }
}
