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
        try AtomicFile.write(Array("1\n".utf8), to: path, mode: 0o644)
        // Nobody ever has the lock: one who took it to find out would be seen by the other. (That a server gets it meanwhile can't be asked
        // here: a program that another test starts has a copy of the descriptor until it runs, and with it the lock.)
        let asker = Task.detached {
            while !Task.isCancelled { _ = try InstanceLock.holder(path: path) }
        }
        for _ in 0..<20_000 { #expect(try InstanceLock.holder(path: path) == nil) }
        asker.cancel()
        try await asker.value
        #expect(try InstanceLock.acquire(path: path) != nil)
    }

    @Test func aStaleFileIsNoServer() throws {
        try withDirectory { directory in
            // Process 1 runs, but doesn't hold the lock.
            try AtomicFile.write(Array("1\n".utf8), to: directory + "/pid", mode: 0o644)
            #expect(try InstanceLock.holder(path: directory + "/pid") == nil)
        }
    }
}

struct ProcessStatTests {
    @Test func isReadWhateverTheProgramIsCalled() {
        let fields = "S 1 7 7 0 -1 4194560 2126 0 11 0 3 1 0 0 20 0 5 0 81877 2363392 700 18446744073709551615"
        for name in ["sampan", "a b", "x) Z 1 ("] {
            let stat = ProcessStat("42 (\(name)) \(fields)\n")
            #expect(stat?.state == "S" && stat?.threads == 5 && stat?.start == 81877, "\(name)")
        }
        for line in ["", "42 (a", "42 (a) S 1 7", "42 (a) SZ" + fields.dropFirst()] {
            #expect(ProcessStat(line) == nil, "\(line)")
        }
    }

    @Test func aProcessHasEndedWhenItsLastThreadHas() throws {
        var stat = try #require(try ProcessStat.of(getpid()))
        #expect(!stat.hasEnded)
        stat.state = "Z"
        stat.threads = 2
        #expect(!stat.hasEnded)
        stat.threads = 1
        #expect(stat.hasEnded)
    }

    @Test func whatEndedIsSeenToHave() throws {
        let process = try BackgroundProcess.start("/bin/true", [], log: "/dev/null")
        // Nobody asks how it ended meanwhile, so it stays a zombie.
        while try ProcessStat.of(process.pid)?.hasEnded != true { usleep(1000) }
        while try process.ending() == nil { usleep(1000) }
        #expect(try ProcessStat.of(process.pid) == nil)
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
