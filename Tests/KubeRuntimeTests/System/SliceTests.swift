import Testing

@testable import KubeRuntime

struct SliceTests {
    private let paths = EnginePaths(EngineOptions(dataDirectory: "/var/lib/sampan", instance: "my-own"))

    @Test func anInstancesSliceIsAtTheTop() {
        #expect(paths.slice.unit == "sampan_my_own.slice")
        #expect(paths.slice.path == "/sampan_my_own.slice")
    }

    @Test func aPodsSliceIsInItsInstances() {
        let slice = paths.slice(podUID: "01c9cd53-8393-4969")
        #expect(slice.unit == "sampan_my_own-pod01c9cd53_8393_4969.slice")
        #expect(slice.path == "/sampan_my_own.slice/sampan_my_own-pod01c9cd53_8393_4969.slice")
    }

    @Test func everyDashIsALevel() {
        #expect(Slice("a", "b-c", "d").path == "/a.slice/a-b_c.slice/a-b_c-d.slice")
    }

    @Test func thereIsNothingToRemoveOfASliceThatIsNotThere() async throws {
        try await Slice("sampan-test-none").remove()
    }
}
