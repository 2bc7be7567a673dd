import Testing

@testable import KubeAPI

struct ByteHandoffTests {
    @Test(.timeLimit(.minutes(1))) func giverWaitsForTaker() async throws {
        let handoff = ByteHandoff()
        let piece = [UInt8](repeating: 1, count: 100_000)
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                for _ in 0..<50 { await handoff.give(piece) }
                handoff.finish()
                return 0
            }
            group.addTask {
                var total = 0
                for try await bytes in handoff { total += bytes.count }
                return total
            }
            var total = 0
            for try await part in group { total += part }
            #expect(total == 5_000_000)
        }
    }

    @Test(.timeLimit(.minutes(1))) func finishLeavesWhatWasGiven() async throws {
        let handoff = ByteHandoff()
        await handoff.give([1])
        handoff.finish()
        await handoff.give([2])
        var taken: [[UInt8]] = []
        for try await bytes in handoff { taken.append(bytes) }
        #expect(taken == [[1]])
    }

    @Test(.timeLimit(.minutes(1))) func cancelledWaitersReturn() async {
        let handoff = ByteHandoff()
        let taker = Task { for try await _ in handoff {} }
        let giver = Task { for _ in 0..<10 { await ByteHandoff().give([UInt8](repeating: 0, count: 1 << 20)) } }
        taker.cancel()
        giver.cancel()
        _ = await taker.result
        _ = await giver.result
    }
}
