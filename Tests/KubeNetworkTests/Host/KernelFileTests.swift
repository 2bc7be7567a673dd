import Testing

@testable import KubeNetwork

@Suite struct KernelFileTests {
    /// The kernel gives about a page for each read.
    @Test func readsToTheEnd() throws {
        let text = try KernelFile.text("/proc/self/smaps")
        #expect(text.utf8.count > 20_000)
        #expect(text.hasSuffix("\n"))
    }

    @Test func saysWhatCannotBeRead() {
        #expect(throws: KernelFile.SystemFailure(path: "/proc/none", code: 2)) { try KernelFile.text("/proc/none") }
    }
}
