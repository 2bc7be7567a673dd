import Foundation
import Testing

@testable import KubeRuntime

@Suite struct ContainerReadingTests {
    /// A tree of files as the kernel would show it.
    private func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let root = NSTemporaryDirectory() + "cgroup-\(UUID().uuidString)"
        try File.makeDirectory(root)
        defer { File.removeTree(root) }
        for (path, text) in files {
            let full = "\(root)/\(path)"
            try File.makeDirectory(String(full[..<(full.lastIndex(of: "/") ?? full.endIndex)]))
            try File.write(text, to: full)
        }
        try body(root)
    }

    @Test func readsVersionOne() throws {
        try withFiles([
            "cpuacct/s/p/c/cpuacct.usage": "1234567\n", "memory/s/p/c/memory.usage_in_bytes": "10000\n",
            "memory/s/p/c/memory.stat": "cache 1\ninactive_file 1\ntotal_inactive_file 4000\ntotal_rss 3\ntotal_pgmajfault 2\n",
        ]) { root in
            let reading = try #require(ContainerReading.read("/s/p/c", root: root))
            #expect(reading.processorNanoseconds == 1_234_567 && reading.workingSet == 6000)
            #expect(reading.memory == 10000 && reading.residentSet == 3 && reading.majorPageFaults == 2)
            #expect(ContainerReading.read("/s/p/gone", root: root) == nil)
        }
    }

    @Test func readsVersionTwo() throws {
        try withFiles([
            "cgroup.controllers": "cpu memory\n", "s/p/c/cpu.stat": "usage_usec 1500\nuser_usec 1000\n",
            "s/p/c/memory.current": "10000\n", "s/p/c/memory.stat": "anon 1\ninactive_file 20000\n",
        ]) { root in
            let reading = try #require(ContainerReading.read("/s/p/c", root: root))
            // More can be counted as inactive than as used: the two are read one after the other.
            #expect(reading.processorNanoseconds == 1_500_000 && reading.workingSet == 0)
            #expect(reading.memory == 10000 && reading.residentSet == 1 && reading.pageFaults == 0)
        }
    }
}
