import Foundation
import Glibc
import Logging
import Testing

@testable import KubeRuntime

@Suite struct LocalVolumesTests {
    private static let handle = "pvc-0123abcd-0000-4000-8000-0123456789ab"

    private func withVolumes(_ body: (LocalVolumes, String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "volumes-\(UUID().uuidString)"
        try File.makeDirectory(path)
        defer { File.removeTree(path) }
        try await body(LocalVolumes(dataDirectory: path, logger: Logger(label: "test")), path)
    }

    @Test func aVolumeIsMadeOnceAndGoesWithWhatIsInIt() async throws {
        try await withVolumes { volumes, root in
            try volumes.create(Self.handle, cluster: 7)
            let path = try #require(volumes.path(Self.handle, cluster: 7))
            #expect(path == "\(root)/volumes/7/\(Self.handle)")
            var facts = stat()
            #expect(stat(path, &facts) == 0 && facts.st_mode & 0o7777 == 0o777)
            #expect(stat("\(root)/volumes", &facts) == 0 && facts.st_mode & 0o7777 == 0o700)
            try File.write("kept", to: "\(path)/file")
            try volumes.create(Self.handle, cluster: 7)
            let text = try File.text("\(path)/file")
            #expect(text == "kept")
            try await volumes.delete(Self.handle, cluster: 7)
            try await volumes.delete(Self.handle, cluster: 7)
            #expect(!File.exists(path) && File.names(in: "\(root)/volumes/deleted").isEmpty)
        }
    }

    @Test(arguments: [
        "", "..", "../8", "pvc-../../../../../../../../../etc/passwd", "pvc-0123abcd", "a/b",
        "pvc-0123ABCD-0000-4000-8000-0123456789ab",
    ])
    func aHostileHandleIsRefused(_ handle: String) async throws {
        try await withVolumes { volumes, root in
            #expect(volumes.path(handle, cluster: 7) == nil)
            #expect(throws: EngineError.self) { try volumes.create(handle, cluster: 7) }
            await #expect(throws: EngineError.self) { try await volumes.delete(handle, cluster: 7) }
            #expect(!File.exists("\(root)/volumes"))
        }
    }

    @Test func whatClustersLeftBehindIsRemoved() async throws {
        try await withVolumes { volumes, root in
            for cluster: Int64 in [1, 2, 3] { try volumes.create(Self.handle, cluster: cluster) }
            await volumes.deleteAll(of: 3)
            // As a crash leaves it, with more levels than a path can have.
            try File.makeDirectory("\(root)/volumes/deleted/1-interrupted")
            let here = open(".", O_RDONLY | O_DIRECTORY)
            defer { close(here) }
            var level = open("\(root)/volumes/deleted/1-interrupted", O_RDONLY | O_DIRECTORY)
            for _ in 0..<3000 {
                mkdirat(level, "deep", 0o755)
                let next = openat(level, "deep", O_RDONLY | O_DIRECTORY)
                close(level)
                level = next
            }
            close(level)
            await volumes.deleteAll { $0 == 2 }
            let left = File.names(in: "\(root)/volumes")
            #expect(left == ["2", "deleted"] && File.names(in: "\(root)/volumes/deleted").isEmpty)
        }
    }

    @Test func aGroupGetsEverythingInAVolumeAndNothingOutside() async throws {
        try await withVolumes { _, root in
            let (volume, outside) = ("\(root)/volume", "\(root)/outside")
            try File.makeDirectory("\(volume)/below", mode: 0o700)
            try File.write("x", to: "\(volume)/below/file", mode: 0o600)
            try File.write("x", to: outside, mode: 0o600)
            symlink(outside, "\(volume)/link")
            let group = getgid()
            try await VolumeOwnership.apply(group, to: volume, onlyOnMismatch: false)
            func mode(_ path: String) -> mode_t {
                var facts = stat()
                return stat(path, &facts) == 0 ? facts.st_mode & 0o7777 : 0
            }
            #expect(mode(volume) & 0o2770 == 0o2770 && mode("\(volume)/below") & 0o2770 == 0o2770)
            #expect(mode("\(volume)/below/file") == 0o660 && mode(outside) == 0o600)
            // The top looks right, so nothing else is looked at.
            chmod("\(volume)/below/file", 0o600)
            try await VolumeOwnership.apply(group, to: volume, onlyOnMismatch: true)
            #expect(mode("\(volume)/below/file") == 0o600)
        }
    }
}
