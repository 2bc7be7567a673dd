import FoundationEssentials
import Glibc
import KubeClient
import Testing

@testable import sampan

private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "sampan-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.path())
}

struct InstanceLockTests {
    @Test func isHeldByOneAtATimeAndNamesItsHolder() throws {
        try withDirectory { directory in
            let path = directory + "/pid"
            #expect(try InstanceLock.holder(path: path) == nil)
            var lock = try InstanceLock.acquire(path: path)
            #expect(lock != nil)
            #expect(try InstanceLock.acquire(path: path) == nil)
            #expect(try InstanceLock.holder(path: path) == getpid())
            lock = nil
            #expect(try InstanceLock.holder(path: path) == nil)
        }
    }

    @Test func askingForItsHolderTakesItFromNobody() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sampan-test-\(UUID().uuidString)").path()
        defer { unlink(path) }
        try #expect(InstanceLock.acquire(path: path) != nil)
        let asker = Task.detached {
            while !Task.isCancelled { _ = try InstanceLock.holder(path: path) }
        }
        for attempt in 0..<5000 { try #expect(InstanceLock.acquire(path: path) != nil, "attempt \(attempt)") }
        asker.cancel()
        try await asker.value
    }

    @Test func aStaleFileIsNoServer() throws {
        try withDirectory { directory in
            // Process 1 runs, but doesn't hold the lock.
            try AtomicFile.write(Array("1\n".utf8), to: directory + "/pid", mode: 0o644)
            #expect(try InstanceLock.holder(path: directory + "/pid") == nil)
        }
    }
}

struct AtomicFileTests {
    @Test func replacesWithExactlyTheModeAndLeavesNothingElse() throws {
        try withDirectory { directory in
            let path = directory + "/file"
            try AtomicFile.write(Array("old".utf8), to: path, mode: 0o644)
            try AtomicFile.write(Array("new".utf8), to: path, mode: 0o600)
            #expect(try AtomicFile.read(path) == Array("new".utf8))
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["file"])
        }
    }

    @Test func saysWhatItCouldNotDo() throws {
        #expect(try AtomicFile.read("/no/such/file") == nil)
        let error = try #require(throws: SystemError.self) { try AtomicFile.write([], to: "/no/such/file", mode: 0o600) }
        #expect(error.number == ENOENT)
        #expect("\(error)".contains("No such file or directory"))
    }
}

struct ConfigurationFileTests {
    @Test func survivesWritingAndReading() throws {
        try withDirectory { directory in
            #expect(try ConfigurationFile.load(dataDirectory: directory) == nil)
            var configuration = Configuration(instance: "one", dataDirectory: directory)
            configuration.runsContainers = false
            configuration.podSubnet = "10.9.0.0/16"
            try ConfigurationFile.save(configuration)
            #expect(try ConfigurationFile.load(dataDirectory: directory) == configuration)
        }
    }

    @Test func explainsAFileThatIsBroken() throws {
        try withDirectory { directory in
            try AtomicFile.write(Array("{".utf8), to: directory + "/sampan.json", mode: 0o644)
            let error = try #require(throws: CommandFailure.self) { try ConfigurationFile.load(dataDirectory: directory) }
            #expect(error.description.contains("sampan.json"))
            #expect(error.hint != nil)
        }
    }
}

struct FreePortTests {
    /// A socket that listens on a port of the system's choice.
    private func listener(_ body: (Int) throws -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try #require(bind(descriptor, generic, size) == 0 && listen(descriptor, 1) == 0)
                try #require(getsockname(descriptor, generic, &size) == 0)
            }
        }
        try body(Int(UInt16(bigEndian: address.sin_port)))
    }

    @Test func aPortThatSomethingListensOnIsTaken() throws {
        try listener { port in
            for address in ["127.0.0.1", "0.0.0.0"] {
                #expect(throws: CommandFailure.self, "\(address)") { try FreePort.check(port, at: address) }
            }
        }
    }

    @Test func aPortThatNothingListensOnIsFree() throws {
        var free = 0
        try listener { free = $0 }
        try FreePort.check(free, at: "127.0.0.1")
    }

    @Test func whatIsNoAddressIsLeftToTheServer() throws {
        try FreePort.check(1, at: "no address")
    }
}
