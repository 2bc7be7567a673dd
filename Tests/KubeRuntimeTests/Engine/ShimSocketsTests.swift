import Foundation
import Glibc
import Testing

@testable import KubeRuntime

@Suite struct ShimSocketsTests {
    /// A program that listens at a Unix socket, or has done so and left it.
    private func listen(at path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0 && Glibc.listen(descriptor, 1) == 0)
        return descriptor
    }

    @Test func removesThoseThatNobodyListensAt() throws {
        let folder = "/tmp/shims-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { File.removeTree(folder) }
        let alive = try listen(at: "\(folder)/alive")
        defer { close(alive) }
        close(try listen(at: "\(folder)/dead"))
        #expect(FileManager.default.createFile(atPath: "\(folder)/file", contents: nil))
        ShimSockets.removeDead(in: folder)
        #expect(Set(File.names(in: folder)) == ["alive", "file"])
        ShimSockets.removeDead(in: "\(folder)/nowhere")
    }
}
