import Testing

@testable import KubeControllers

@Suite struct WorkQueueTests {
    let clock = ManualClock()
    let timer: DelayTimer
    let queue: WorkQueue

    init() {
        timer = DelayTimer(clock: clock.controllerClock)
        queue = WorkQueue(name: "test", timer: timer)
    }

    func key(_ cluster: Int64, _ name: String) -> QueueKey {
        QueueKey(cluster: ClusterReference(id: cluster, name: "c\(cluster)"), namespace: "default", name: name)
    }

    @Test func aKeyIsHandedOutOnceHoweverOftenItWasAdded() async {
        for _ in 0..<3 { queue.add(key(1, "a")) }
        #expect(queue.count == 1)
        #expect(await queue.next() == key(1, "a"))
        #expect(queue.count == 0)
    }

    @Test func aKeyAddedWhileWorkedOnComesBackWhenThatIsDone() async {
        queue.add(key(1, "a"))
        let first = await queue.next()
        queue.add(key(1, "a"))
        queue.add(key(1, "b"))
        #expect(await queue.next() == key(1, "b"))
        if let first { queue.done(first) }
        #expect(await queue.next() == key(1, "a"))
    }

    @Test func clustersTakeTurns() async {
        for index in 0..<1000 { queue.add(key(1, "a\(index)")) }
        queue.add(key(2, "b0"))
        queue.add(key(2, "b1"))
        var order: [Int64] = []
        for _ in 0..<4 { order.append(await queue.next()?.cluster.id ?? 0) }
        #expect(order == [1, 2, 1, 2])
    }

    @Test func backOffDoublesFromFiveMillisecondsToAThousandSeconds() {
        let backOff = BackOff()
        #expect(
            [0, 1, 2, 10, 17, 18, 1000].map(backOff.delay(afterFailures:)) == [
                .milliseconds(5), .milliseconds(10), .milliseconds(20), .milliseconds(5120), .milliseconds(655_360),
                .seconds(1000),
                .seconds(1000),
            ])
    }

    @Test func aFailedKeyComesBackAfterItsBackOffAndForgettingStartsAnew() async throws {
        let running = Task { await timer.run() }
        defer { running.cancel() }
        #expect(queue.addAfterFailure(key(1, "a")) == .milliseconds(5))
        try await eventually { clock.sleeperCount == 1 }
        clock.advance(by: .milliseconds(4))
        #expect(queue.count == 0)
        clock.advance(by: .milliseconds(1))
        try await eventually { queue.count == 1 }
        #expect(queue.addAfterFailure(key(1, "a")) == .milliseconds(10))
        queue.forget(key(1, "a"))
        #expect(queue.addAfterFailure(key(1, "a")) == .milliseconds(5))
    }

    @Test func theEarlierOfTwoDelaysCountsAndWakesTheTimer() async throws {
        let running = Task { await timer.run() }
        defer { running.cancel() }
        queue.add(key(1, "a"), after: .seconds(100))
        try await eventually { clock.sleeperCount == 1 }
        queue.add(key(1, "a"), after: .seconds(10))
        queue.add(key(1, "a"), after: .seconds(50))
        #expect(timer.count == 1)
        // The timer must go to sleep anew, for the earlier deadline.
        for _ in 0..<100 where queue.count == 0 {
            try await eventually { clock.sleeperCount == 1 || queue.count == 1 }
            clock.advance(by: .seconds(1))
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(queue.count == 1)
        #expect(clock.now.offset < .seconds(50))
        #expect(timer.count == 0)
    }

    @Test func aWaitingWorkerGetsWhatComes() async throws {
        async let key = queue.next()
        try await Task.sleep(for: .milliseconds(5))
        queue.add(self.key(1, "a"))
        #expect(await key == self.key(1, "a"))
    }

    @Test func closingAndCancellingSendWorkersHome() async throws {
        let cancelled = Task { await queue.next() }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        let waiting = Task { await queue.next() }
        try await Task.sleep(for: .milliseconds(5))
        queue.close()
        #expect(await waiting.value == nil)
        queue.add(key(1, "a"))
        #expect(await queue.next() == nil)
    }
}

@Suite struct DelayHeapTests {
    @Test func givesKeysInTheOrderOfTheirDeadlines() {
        var heap = DelayHeap<Int>()
        var random = SystemRandomNumberGenerator()
        for key in (0..<500).shuffled(using: &random) { _ = heap.insert(key, at: .seconds(key)) }
        var order: [Int] = []
        while let key = heap.popDue(at: .seconds(1000)) { order.append(key) }
        #expect(order == Array(0..<500))
    }

    @Test func movesForwardAndNeverBack() {
        var heap = DelayHeap<String>()
        let wakeUps = [10, 20, 5].map { heap.insert("a", at: .seconds($0)) }
        #expect(wakeUps == [true, false, true])
        #expect(heap.earliest == .seconds(5))
        #expect(heap.popDue(at: .seconds(4)) == nil)
        #expect(heap.popDue(at: .seconds(5)) == "a")
        #expect(heap.popDue(at: .seconds(100)) == nil)
        #expect(heap.earliest == nil)
    }
}

@Suite struct FIFOTests {
    @Test func keepsTheOrderWhileGrowingAndShrinking() {
        var queue = FIFO<Int>()
        var expected = 0
        var next = 0
        for round in 1..<200 {
            for _ in 0..<round {
                queue.append(next)
                next += 1
            }
            for _ in 0..<(round - round / 3) {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        #expect(queue.count == next - expected)
        while let value = queue.popFirst() {
            #expect(value == expected)
            expected += 1
        }
        #expect(queue.isEmpty && expected == next)
    }
}
