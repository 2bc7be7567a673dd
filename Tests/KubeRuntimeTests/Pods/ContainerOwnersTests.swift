import Testing

@testable import KubeRuntime

@Suite struct ContainerOwnersTests {
    private final class Worker: Sendable {}

    private let owners = ContainerOwners<Worker>()
    private let one = Worker()
    private let two = Worker()

    @Test func `what an owner no longer has is nobody's`() {
        owners.expect("a", of: one)
        #expect(owners.owner(of: "a") === one)
        owners.note(["b": true], of: one)
        #expect(owners.owner(of: "a") == nil)
        #expect(owners.owner(of: "b") === one)
        owners.note(["c": true], of: two)
        owners.forget(one)
        #expect(owners.owner(of: "b") == nil)
        #expect(owners.owner(of: "c") === two)
        #expect(owners.mistaken(by: ["c"]).isEmpty)
    }

    @Test func `who saw something run is mistaken when it doesn't, also at the first comparison`() {
        owners.note(["a": true, "old": false], of: one)
        owners.note(["b": true], of: two)
        #expect(owners.mistaken(by: ["a", "b"]).isEmpty)
        #expect(owners.mistaken(by: ["b"]).map(ObjectIdentifier.init) == [ObjectIdentifier(one)])
        // Until it has looked again.
        #expect(owners.mistaken(by: ["b"]).count == 1)
        owners.note(["a": false, "old": false], of: one)
        #expect(owners.mistaken(by: ["b"]).isEmpty)
    }

    @Test func `what is only about to start is no mistake`() {
        owners.note(["a": true], of: one)
        owners.expect("b", of: one)
        #expect(owners.mistaken(by: ["a"]).isEmpty)
    }
}
