import Crypto
import Foundation
import Logging
import TestPrograms
import Testing

@testable import KubeRuntime

/// Volumes go into a stream and come out of it as they were, and nothing else comes out of one that somebody made up.
@Suite struct VolumeArchiveTests {
    private static let handle = "pvc-01234567-89ab-cdef-0123-456789abcdef"
    private static let id = "11111111-2222-3333-4444-555555555555"

    private static func scratch(_ body: (LocalVolumes, String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("volumes-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { File.removeTree(directory) }
        try body(
            LocalVolumes(dataDirectory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }), directory)
    }

    private static func volume(_ bound: Int64 = 1 << 30) -> VolumeReader.Volume {
        VolumeReader.Volume(handle: handle, bound: bound, title: "volume default/data")
    }

    private static func run(_ script: String, in directory: String) throws {
        try #require(TestProgram.start(["-C", directory, "sh", "-ec", script]).wait() == 0)
    }

    private static func output(_ script: String, in directory: String) throws -> String {
        let program = try TestProgram.start(["-C", directory, "sh", "-ec", script])
        let text = String(decoding: program.output.readDataToEndOfFile(), as: UTF8.self)
        program.wait()
        return text
    }

    private static func all(_ reader: VolumeReader, _ limit: Int = 1 << 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try reader.read(limit)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// Everything that one can see of a tree: names, kinds, modes, owners, times, links, content.
    private static let listing = """
        find . -printf '%P %y %m %U:%G %n %s %T@ %l\\n' | grep -v '^ d' | sed 's/ d \\(.*\\) [0-9]* [0-9]* \\([0-9.]*\\) $/ d \\1 \\2/' | sort
        find . -type f -print0 | sort -z | xargs -0r sha256sum
        """

    @Test(arguments: [64, 1 << 20]) func everythingComesBackAsItWas(limit: Int) throws {
        try Self.scratch { volumes, directory in
            try volumes.create(Self.handle, cluster: 7)
            let path = try #require(volumes.path(Self.handle, cluster: 7))
            try Self.run(
                """
                mkdir -p a/b/c empty; echo hello > a/file; chmod 640 a/file; chown 1000:2000 a/file; ln a/file a/b/again
                ln -s ../../../etc/passwd a/b/out; mkfifo a/pipe; chmod 1777 empty; chown 5:6 a/b
                dd if=/dev/urandom of=a/big bs=1000 count=3300 status=none; truncate -s 64M a/sparse; echo end >> a/sparse
                cp /bin/true a/suid; chown 1000 a/suid; chmod 4755 a/suid; touch -d '2001-02-03 04:05:06.5' a/b/c a/file
                : > "$(printf 'b\\377d\\nname')"; chmod 2750 .; touch -d '2002-02-03' .
                """, in: path)
            let before = try Self.output(Self.listing, in: path)
            let bytes = try Self.all(volumes.read([Self.volume()], of: 7), limit)
            // A hole costs nothing.
            #expect(bytes.count < 5 << 20)

            let writer = try volumes.receive(Self.id, [Self.volume()], isRestricted: false)
            var rest = bytes[...]
            while !rest.isEmpty {
                try writer.take(Array(rest.prefix(limit * 3 + 1)))
                rest = rest.dropFirst(limit * 3 + 1)
            }
            try writer.end()
            #expect(volumes.received == [Self.id])
            try volumes.place(Self.id, in: 8)
            try volumes.place(Self.id, in: 8)
            #expect(volumes.received.isEmpty)
            let there = try #require(volumes.path(Self.handle, cluster: 8))
            #expect(try Self.output(Self.listing, in: there) == before)
            let inode = "stat -c %i a/file a/b/again | uniq | wc -l; stat -c '%a %U %Y' .; stat -c %b a/sparse"
            #expect(try Self.output(inode, in: there) == Self.output(inode, in: path))
        }
    }

    @Test func extendedAttributesGoAlongAndRootsProgramsOnlyWherePodsMayBeRoot() throws {
        try Self.scratch { volumes, _ in
            try volumes.create(Self.handle, cluster: 7)
            let path = try #require(volumes.path(Self.handle, cluster: 7))
            try Self.run(
                "echo x > file; cp /bin/true root; chmod 6755 root; cp /bin/true own; chown 9 own; chmod 4755 own", in: path)
            let set = try #require(LibC.setAttribute)
            let descriptor = open("\(path)/file", O_RDONLY)
            defer { close(descriptor) }
            try #require(set(descriptor, "user.colour", "blue", 4, 0) == 0)
            // CAP_NET_RAW, permitted and effective: what setcap writes.
            let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            try #require(set(descriptor, "security.capability", capability, capability.count, 0) == 0)
            let bytes = try Self.all(volumes.read([Self.volume()], of: 7))
            for (isRestricted, cluster) in [(false, Int64(8)), (true, 9)] {
                let writer = try volumes.receive(Self.id, [Self.volume()], isRestricted: isRestricted)
                try writer.take(bytes)
                try writer.end()
                try volumes.place(Self.id, in: cluster)
                let there = try #require(volumes.path(Self.handle, cluster: cluster))
                let modes = try Self.output("stat -c %a root own", in: there)
                #expect(modes == (isRestricted ? "2755\n4755\n" : "6755\n4755\n"))
                let copy = open("\(there)/file", O_RDONLY)
                defer { close(copy) }
                var value = [UInt8](repeating: 0, count: 64)
                let get = try #require(LibC.getAttribute)
                #expect(get(copy, "user.colour", &value, 64) == 4)
                #expect(get(copy, "security.capability", &value, 64) == (isRestricted ? -1 : 20))
            }
        }
    }

    @Test func devicesAndSocketsAreLeftOut() throws {
        try Self.scratch { volumes, _ in
            try volumes.create(Self.handle, cluster: 7)
            let path = try #require(volumes.path(Self.handle, cluster: 7))
            try Self.run("mknod null c 1 3; echo x > file", in: path)
            let reader = volumes.read([Self.volume()], of: 7)
            let bytes = try Self.all(reader)
            #expect(reader.leftOut == 1)
            let writer = try volumes.receive(Self.id, [Self.volume()], isRestricted: false)
            try writer.take(bytes)
            try writer.end()
        }
    }

    @Test func whatIsLargerThanItsClaimIsntRead() throws {
        try Self.scratch { volumes, _ in
            try volumes.create(Self.handle, cluster: 7)
            let path = try #require(volumes.path(Self.handle, cluster: 7))
            try Self.run("dd if=/dev/zero of=file bs=1M count=3 status=none", in: path)
            #expect(throws: VolumeArchiveError.self) { try Self.all(volumes.read([Self.volume(1 << 20)], of: 7)) }
            _ = try Self.all(volumes.read([Self.volume(3 << 20)], of: 7))
        }
    }

    // MARK: Made up

    private struct Forgery {
        var bytes = VolumeFormat.start

        mutating func add(_ kind: VolumeFormat.Kind, _ payload: [UInt8] = []) { VolumeFormat.frame(kind, payload, to: &bytes) }

        static func attributes(mode: UInt32 = 0o644, owner: UInt32 = 0, extended: String? = nil) -> [UInt8] {
            var output: [UInt8] = []
            let list = extended.map { [VolumeFormat.Attributes.Extended(name: Array($0.utf8), value: [1])] } ?? []
            VolumeFormat.put(
                VolumeFormat.Attributes(mode: mode, owner: owner, group: 0, seconds: 1, nanoseconds: 0, extended: list),
                to: &output)
            return output
        }

        mutating func volume(_ handle: String = VolumeArchiveTests.handle) {
            add(.volume, Array(handle.utf8) + Self.attributes(mode: 0o777))
        }

        mutating func file(_ name: String, size: Int64 = 0, number: UInt32 = 0, owner: UInt32 = 0, extended: String? = nil) {
            var payload = Self.attributes(owner: owner, extended: extended)
            VolumeFormat.put(size, to: &payload)
            VolumeFormat.put(number, to: &payload)
            add(.file, payload + Array(name.utf8))
        }

        mutating func piece(_ offset: Int64, _ count: Int) {
            var payload: [UInt8] = []
            VolumeFormat.put(offset, to: &payload)
            add(.bytes, payload + [UInt8](repeating: 65, count: count))
        }

        mutating func other(_ number: UInt32, _ name: String) {
            var payload: [UInt8] = []
            VolumeFormat.put(number, to: &payload)
            add(.name, payload + Array(name.utf8))
        }

        mutating func link(_ name: String, to target: String) {
            var payload = Self.attributes()
            VolumeFormat.put(UInt16(target.utf8.count), to: &payload)
            add(.link, payload + Array(target.utf8) + Array(name.utf8))
        }

        func signed() -> [UInt8] {
            var all = bytes
            VolumeFormat.frame(.end, Array(SHA256.hash(data: bytes)), to: &all)
            return all
        }
    }

    private static func forgery(_ change: (inout Forgery) -> Void) -> [UInt8] {
        var forgery = Forgery()
        change(&forgery)
        return forgery.signed()
    }

    private static func whole(_ change: (inout Forgery) -> Void) -> [UInt8] {
        forgery {
            $0.volume()
            change(&$0)
            $0.add(.up)
        }
    }

    @Test func whatIsMadeUpIsRefused() throws {
        let cases: [(String, [UInt8])] = [
            (
                "another's volume",
                Self.forgery {
                    $0.volume("pvc-99999999-89ab-cdef-0123-456789abcdef")
                    $0.add(.up)
                }
            ),
            (
                "a path as handle",
                Self.forgery {
                    $0.volume("../../../../../../../../../../../etc/xyz/")
                    $0.add(.up)
                }
            ),
            (
                "twice",
                Self.forgery {
                    $0.volume()
                    $0.add(.up)
                    $0.volume()
                    $0.add(.up)
                }
            ),
            (
                "nested",
                Self.forgery {
                    $0.volume()
                    $0.volume()
                    $0.add(.up)
                }
            ),
            ("cut off", Self.forgery { $0.volume() }),
            ("no volume", Self.forgery { $0.file("a") }),
            ("up too often", Self.whole { $0.add(.up) }),
            ("..", Self.whole { $0.file("..") }), ("slash", Self.whole { $0.file("a/b") }), ("empty", Self.whole { $0.file("") }),
            ("zero", Self.whole { $0.file("a\0b") }), ("long", Self.whole { $0.file(String(repeating: "a", count: 256)) }),
            (
                "same name",
                Self.whole {
                    $0.file("a")
                    $0.file("a")
                }
            ),
            (
                "file over link",
                Self.whole {
                    $0.link("a", to: "/etc/passwd")
                    $0.file("a")
                }
            ),
            (
                "directory over link",
                Self.whole {
                    $0.link("a", to: "/etc")
                    $0.add(.directory, Forgery.attributes() + Array("a".utf8))
                }
            ),
            ("bytes of none", Self.whole { $0.piece(0, 1) }),
            (
                "bytes past the end",
                Self.whole {
                    $0.file("a", size: 2)
                    $0.piece(1, 2)
                }
            ),
            (
                "bytes before",
                Self.whole {
                    $0.file("a", size: 9)
                    $0.piece(4, 2)
                    $0.piece(0, 2)
                }
            ),
            (
                "negative place",
                Self.whole {
                    $0.file("a", size: 9)
                    $0.piece(-1, 2)
                }
            ),
            ("negative size", Self.whole { $0.file("a", size: -1) }),
            ("name of none", Self.whole { $0.other(1, "b") }),
            (
                "name 0",
                Self.whole {
                    $0.file("a", number: 1)
                    $0.other(0, "b")
                }
            ),
            (
                "name to come",
                Self.whole {
                    $0.file("a", number: 1)
                    $0.other(2, "b")
                }
            ),
            ("number out of order", Self.whole { $0.file("a", number: 7) }),
            ("owner that means no change", Self.whole { $0.file("a", owner: .max) }),
            ("the machine's attribute", Self.whole { $0.file("a", extended: "security.selinux") }),
            ("overlay's attribute", Self.whole { $0.file("a", extended: "trusted.overlay.opaque") }),
            ("unknown frame", Self.whole { $0.bytes += [0x58, 0, 0, 0, 0] }),
            ("long frame", Self.whole { $0.bytes += [0x42, 0xFF, 0, 0, 0] }),
            (
                "more than its claim",
                Self.whole {
                    $0.file("a", size: 4 << 20)
                    for index in 0..<4 { $0.piece(Int64(index) << 20, 1 << 20) }
                }
            ),
            ("too many files", Self.whole { for index in 0..<6000 { $0.file("\(index)") } }),
            ("something behind", Self.whole { _ in } + [0]),
            ("damaged", Self.whole { $0.file("a") }.enumerated().map { $0.offset == 40 ? $0.element ^ 1 : $0.element }),
            ("another format", Array("SampanVolumes/2\n".utf8)),
        ]
        for (name, bytes) in cases {
            try Self.scratch { volumes, directory in
                let writer = try volumes.receive(Self.id, [Self.volume(1 << 20)], isRestricted: false)
                #expect(throws: VolumeArchiveError.self, "\(name)") {
                    try writer.take(bytes)
                    try writer.end()
                }
                #expect(File.names(in: directory) == ["volumes"])
            }
        }
    }

    @Test func whatIsMadeUpWellIsTaken() throws {
        try Self.scratch { volumes, _ in
            let bytes = Self.whole {
                $0.file("a", size: 2, number: 1)
                $0.piece(0, 2)
                $0.other(1, "b")
            }
            // Byte by byte.
            let writer = try volumes.receive(Self.id, [Self.volume(1 << 20)], isRestricted: false)
            for byte in bytes { try writer.take([byte]) }
            try writer.end()
        }
    }

    @Test func whatWasReceivedForNothingGoes() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("volumes-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { File.removeTree(directory) }
        let volumes = LocalVolumes(dataDirectory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(throws: EngineError.self) { try volumes.receive("../x", [], isRestricted: false) }
        let writer = try volumes.receive(Self.id, [Self.volume(1 << 20)], isRestricted: false)
        try writer.take(Self.whole { $0.file("a") })
        try await volumes.discard(Self.id)
        #expect(volumes.received.isEmpty)
        #expect(File.names(in: "\(directory)/volumes/deleted").isEmpty)
    }
}
