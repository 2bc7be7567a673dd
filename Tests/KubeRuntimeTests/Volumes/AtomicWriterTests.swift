import Foundation
import Testing

@testable import KubeRuntime

@Suite struct AtomicWriterTests {
    private func makeDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "atomic-\(UUID().uuidString)"
        try File.makeDirectory(path)
        return path
    }

    @Test func swapsAllFilesAtOnce() throws {
        let path = try makeDirectory()
        defer { File.removeTree(path) }
        let writer = AtomicWriter(directory: path)
        let first: [String: AtomicWriter.File] = ["a": .init(content: [1], mode: 0o644), "d/b": .init(content: [2], mode: 0o400)]
        let isNew = try writer.write(first)
        let (a, b) = (try File.bytes("\(path)/a"), try File.bytes("\(path)/d/b"))
        #expect(isNew && a == [1] && b == [2])
        #expect(File.isLink("\(path)/..data") && File.isLink("\(path)/a") && File.isLink("\(path)/d"))
        let isNewAgain = try writer.write(first)
        #expect(!isNewAgain)
        let isChanged = try writer.write(["a": .init(content: [3], mode: 0o644)])
        let changed = try File.bytes("\(path)/a")
        #expect(isChanged && changed == [3])
        let names = File.names(in: path)
        #expect(names.count == 3)
        #expect(names.filter { !$0.hasPrefix("..") } == ["a"])
    }

    @Test func anEmptySetLeavesAnEmptyVolume() throws {
        let path = try makeDirectory()
        defer { File.removeTree(path) }
        let isNew = try AtomicWriter(directory: path).write([:])
        let names = File.names(in: path).filter { !$0.hasPrefix("..") }
        #expect(isNew && names.isEmpty)
    }
}
