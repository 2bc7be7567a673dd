import Foundation
import KubeAPI
import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Testing

@testable import Fleet

@Suite struct ClusterArchiveTests {
    /// A new cluster with some objects, and its archive as a client puts it together.
    private static func archive(objects: Int = 3, size: Int = 100) async throws -> (bytes: [UInt8], cluster: [(Key, Object)]) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store.open(directory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let identity = try ClusterIdentity.generate(clusterName: "demo")
        let cluster = try await Registry(store: store).createCluster(
            "demo", uid: "u1", record: identity.record(), certificateAuthority: "PEM")
        for index in 0..<objects {
            let tree: JSON = [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": .string("m\(index)"), "namespace": "default", "uid": .string("u-\(index)")],
                "data": ["v": .string(String(repeating: "x", count: size)), "ü": "\u{1F6A2}"],
            ]
            _ = try await cluster.commit([
                .put(try Draft(tree), at: Key(group: "", plural: "configmaps", namespace: "default", name: "m\(index)"))
            ])
        }
        var bytes: [UInt8] = []
        var digest = ArchiveFormat.Digest()
        var rest = ""
        var pieces = 0
        repeat {
            let piece = try await ExportHandler.piece(of: cluster, spec: ["timeToLive": "8h"], name: "demo", after: rest)
            digest.update(piece.bytes)
            bytes += piece.bytes
            rest = piece.rest ?? ""
            pieces += 1
            // What comes in between isn't in it.
            if !rest.isEmpty {
                let key = Key(group: "", plural: "configmaps", namespace: "default", name: "m0")
                let tree = try #require(cluster.snapshot.get(key)).tree
                _ = try await cluster.commit([.put(try Draft(tree), at: key)])
            }
        } while !rest.isEmpty
        #expect(size < 1_000 || pieces > 1)
        let all = try cluster.snapshot(at: Self.header(bytes).revision)
        await store.close()
        return (bytes + digest.end(), all.entries(prefix: "").map { ($0.key, $0.object) })
    }

    private static func header(_ bytes: [UInt8]) throws -> ArchiveHeader {
        var cursor = ArchiveCursor(pieces: ArchivePieces(Array(bytes[ArchiveFormat.start.count...])))
        return try ArchiveHeader(parsing: cursor.next().payload)
    }

    /// With a checksum that is right, whatever the content is.
    private static func signed(_ body: [UInt8]) -> [UInt8] {
        var digest = ArchiveFormat.Digest()
        digest.update(body)
        return body + digest.end()
    }

    @Test(arguments: [(3, 100), (40, 120_000)])
    func holdsEveryObjectAsItIsStored(_ objects: Int, _ size: Int) async throws {
        let (bytes, all) = try await Self.archive(objects: objects, size: size)
        let read = try await ClusterArchive(parsing: bytes)
        #expect(read.header.name == "demo")
        #expect(read.header.spec["timeToLive"]?.string == "8h")
        #expect(read.objects.map(\.key) == all.map(\.0))
        #expect(read.objects.map(\.object.bytes) == all.map(\.1.bytes))
        _ = try ClusterIdentity(record: read.header.record)
        #expect(try ArchiveFormat.name(in: bytes) == "demo")
    }

    private static func fails(_ bytes: [UInt8]) async -> Bool {
        do {
            _ = try await ClusterArchive(parsing: bytes)
            return false
        } catch { return true }
    }

    @Test func everyTruncationAndEveryFlippedBitIsFound() async throws {
        let (bytes, _) = try await Self.archive(objects: 1)
        var generator = SystemRandomNumberGenerator()
        let near = Array(0..<200) + Array((bytes.count - 200)..<bytes.count)
        for length in near + (0..<100).map({ _ in Int.random(in: 0..<bytes.count, using: &generator) }) {
            #expect(await Self.fails(Array(bytes[..<length])), "cut off at \(length)")
        }
        for position in near + (0..<100).map({ _ in Int.random(in: 0..<bytes.count, using: &generator) }) {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            #expect(await Self.fails(damaged), "a bit at \(position)")
        }
        #expect(await Self.fails(bytes + [0]))
    }

    /// Who forges an archive makes the checksum right; then only the reader's own care is left.
    @Test func forgedArchivesAreReadOrRefused() async throws {
        let (whole, _) = try await Self.archive(objects: 2)
        let body = Array(whole[..<(whole.count - 37)])
        #expect(await !Self.fails(Self.signed(body)))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var forged = body
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<forged.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: forged[position] = .random(in: 0...255, using: &generator)
                case 1: forged.remove(at: position)
                case 2: forged.insert(.random(in: 0...255, using: &generator), at: position)
                default: forged.removeSubrange(position..<min(position + 1_000, forged.count))
                }
                if forged.isEmpty { break }
            }
            // It may be a whole one still, as when a letter of a text was changed; it must not end the server.
            _ = await Self.fails(Self.signed(forged))
        }
    }

    @Test func forgedFramesAreRefused() async throws {
        let (whole, _) = try await Self.archive(objects: 0)
        let body = Array(whole[..<(whole.count - 37)])
        var header: [UInt8] = []
        ArchiveFormat.frame(.header, try Self.header(body).tree.encoded(), to: &header)
        func object(_ key: String, _ text: String) -> [UInt8] {
            var bytes: [UInt8] = []
            ArchiveFormat.object(key, Array(text.utf8), to: &bytes)
            return bytes
        }
        let whole1 =
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"zz","namespace":"x","resourceVersion":"1"}}"#
        for (what, tail) in [
            ("two headers", header), ("a frame that is longer than the file", [0x4F, 0, 0, 0xFF, 0xFF]),
            ("a frame that is longer than any", [0x4F, 0xFF, 0xFF, 0xFF, 0xFF]), ("an unknown frame", [0x51, 0, 0, 0, 0]),
            ("an object without a key", [0x4F, 0, 0, 0, 0]), ("a key of nothing", [0x4F, 0, 0, 0, 2, 0, 0]),
            ("a key that isn't text", [0x4F, 0, 0, 0, 4, 0, 2, 0xFF, 0xFE]), ("no JSON", object("z/z/z/z", "{")),
            ("an end in the midst", [0x45, 0, 0, 0, 0]), ("objects out of order", object("a/a/a/a", whole1)),
            ("an object more than the header says", object("z/z/z/z", whole1)),
            ("other JSON than is stored", object("z/z/z/z", whole1.replacingOccurrences(of: ":", with: ": "))),
        ] as [(String, [UInt8])] {
            #expect(await Self.fails(Self.signed(body + tail)), "\(what)")
        }
    }
}
