import KubeObject
import Testing

@testable import KubeControllers

@Suite struct GarbagePlanTests {
    func object(_ owners: [String] = [], finalizers: [String] = [], deleted: Bool = false) -> Metadata {
        var metadata = Metadata()
        metadata.name = "it"
        metadata.uid = "it"
        metadata.finalizers = finalizers
        metadata.deletionTimestamp = deleted ? Samples.ago(1) : nil
        metadata.ownerReferences = owners.map { OwnerReference(apiVersion: "v1", kind: "ConfigMap", name: $0, uid: $0) }
        return metadata
    }

    func dependent(_ key: String, blocks: Bool = true, waiting: Bool = false) -> GarbagePlan.Dependent {
        .init(key: key, blocksOwner: blocks, isWaiting: waiting)
    }

    struct Case: Sendable {
        var owners: [GarbagePlan.OwnerState]
        var dependents = 0
        var finalizers: [String] = []
        var expected: GarbagePlan
    }

    @Test(arguments: [
        Case(owners: [], expected: .keep),
        Case(owners: [.solid], expected: .keep),
        Case(owners: [.solid, .solid], expected: .keep),
        Case(owners: [.absent], expected: .delete(.background, unblock: false)),
        Case(owners: [.absent, .absent], expected: .delete(.background, unblock: false)),
        // One owner is enough to stay, without the others' references.
        Case(owners: [.solid, .absent], expected: .dropOwners(["o1"])),
        Case(owners: [.waiting, .solid, .absent], expected: .dropOwners(["o0", "o2"])),
        Case(owners: [.waiting], expected: .delete(.background, unblock: false)),
        Case(owners: [.waiting], dependents: 1, expected: .delete(.foreground, unblock: false)),
        Case(owners: [.waiting, .absent], dependents: 1, expected: .delete(.foreground, unblock: false)),
        Case(owners: [.absent], finalizers: ["orphan"], expected: .delete(.orphan, unblock: false)),
        Case(owners: [.absent], finalizers: ["foregroundDeletion"], expected: .delete(.foreground, unblock: false)),
        Case(owners: [.absent, .invalid], expected: .keep),
    ])
    func ownersDecide(test: Case) {
        let names = test.owners.indices.map { "o\($0)" }
        let plan = GarbagePlan.decide(
            object(names, finalizers: test.finalizers), owners: test.owners,
            dependents: (0..<test.dependents).map { dependent("d\($0)") })
        #expect(plan == test.expected)
    }

    @Test func foregroundWaitsForWhatBlocks() {
        let waiting = object(finalizers: ["foregroundDeletion"], deleted: true)
        #expect(
            GarbagePlan.decide(waiting, owners: [], dependents: [dependent("a"), dependent("b", blocks: false)])
                == .awaitDependents(["a", "b"]))
        #expect(
            GarbagePlan.decide(waiting, owners: [], dependents: [dependent("b", blocks: false)])
                == .removeFinalizer("foregroundDeletion"))
        #expect(GarbagePlan.decide(waiting, owners: [], dependents: []) == .removeFinalizer("foregroundDeletion"))
    }

    @Test func orphansAreLetGoFirst() {
        let plan = GarbagePlan.decide(
            object(finalizers: ["orphan"], deleted: true), owners: [], dependents: [dependent("a"), dependent("b")])
        #expect(plan == .orphanDependents(["a", "b"]))
    }

    @Test func whatIsBeingDeletedIsLeftToItsFinalizers() {
        #expect(GarbagePlan.decide(object(["o"], finalizers: ["x/y"], deleted: true), owners: [.absent], dependents: []) == .keep)
    }

    @Test func aCycleOfForegroundDeletionsIsBroken() {
        let plan = GarbagePlan.decide(object(["o"]), owners: [.waiting], dependents: [dependent("a", waiting: true)])
        #expect(plan == .delete(.foreground, unblock: true))
    }
}
