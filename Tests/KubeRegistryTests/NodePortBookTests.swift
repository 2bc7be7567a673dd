import Testing

@testable import KubeRegistry

struct NodePortBookTests {
    @Test func goesRoundTheRangeAndLeavesItsBeginningToThoseWhoAsk() {
        let book = NodePortBook(first: 32766)
        #expect((0..<4).map { _ in book.choose { _ in false } } == [32766, 32767, 30086, 30087])
    }

    @Test func noTwoClustersGetTheSameAsLongAsThereAreOthers() {
        let book = NodePortBook()
        // Each cluster knows of its own services only.
        let chosen = (0..<2682).map { _ in book.choose { _ in false } }
        #expect(Set(chosen).count == 2682)
        #expect(!chosen.contains(nil))
    }

    @Test func goesPastWhatIsHeldOnTheMachineAndTakenInTheCluster() {
        let book = NodePortBook(first: 31000)
        book.note(31000, isHeld: true)
        book.note(31002, isHeld: true)
        #expect((0..<2).map { _ in book.choose { $0 == 31001 } } == [31003, 31004])
        book.note(31005, isHeld: true)
        book.note(31005, isHeld: false)
        #expect(book.choose { _ in false } == 31005)
    }

    @Test(arguments: [(30000...32766, 32767), (30000...30085, 30086), (30086...32767, 30000), (30000...32767, nil)])
    func takesTheLastOnes(_ taken: ClosedRange<Int64>, _ expected: Int64?) {
        #expect(NodePortBook(first: 30086).choose { taken.contains($0) } == expected)
    }

    @Test func oneThatIsHeldElsewhereIsBetterThanNone() {
        let book = NodePortBook()
        for port in ServiceRange.nodePorts { book.note(port, isHeld: true) }
        #expect(book.choose { $0 < 31500 } == 31500)
    }
}
