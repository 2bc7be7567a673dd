import Testing

@testable import KubeStore

@Suite struct ProcessMemoryTests {
    @Test func whatIsInUseIsWhatTheAllocatorGotLessWhatLiesFree() {
        let info = """
            <malloc version="1">
            <heap nr="0"><total type="fast" count="9" size="99"/><system type="current" size="77777"/></heap>
            <total type="fast" count="2" size="64"/>
            <total type="rest" count="3" size="1000"/>
            <total type="mmap" count="1" size="4096"/>
            <system type="current" size="135168"/>
            <system type="max" size="200000"/>
            </malloc>
            """
        #expect(ProcessMemory.allocated(in: info) == 135_168 - 64 - 1000 + 4096)
        #expect(ProcessMemory.allocated(in: "") == 0)
    }

    @Test func itGrowsWithWhatIsHeld() {
        let before = ProcessMemory.allocated
        let held = (0..<400_000).map { "a text that is too long to be kept in place, number \($0)" }
        let grown = ProcessMemory.allocated - before
        #expect(grown > 20_000_000)
        #expect(ProcessMemory.resident > grown)
        withExtendedLifetime(held) {}
    }
}
