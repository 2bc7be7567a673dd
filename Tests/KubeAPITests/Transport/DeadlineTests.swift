import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import KubeAPI

struct DeadlineTests {
    private static func make(_ loop: EmbeddedEventLoop, _ count: Counter) -> Deadline {
        Deadline(loop, shortest: .seconds(10)) { count.add() }
    }

    @Test func firesOnceWhenItIsReached() {
        let loop = EmbeddedEventLoop()
        let count = Counter()
        let deadline = Self.make(loop, count)
        deadline.set(.seconds(30))
        loop.advanceTime(by: .seconds(29))
        #expect(count.value == 0)
        loop.advanceTime(by: .seconds(1))
        #expect(count.value == 1)
        loop.advanceTime(by: .seconds(100))
        #expect(count.value == 1)
        deadline.cancel()
    }

    @Test func movesInEitherDirection() {
        let loop = EmbeddedEventLoop()
        let count = Counter()
        let deadline = Self.make(loop, count)
        deadline.set(.seconds(60))
        loop.advanceTime(by: .seconds(5))
        deadline.set(.seconds(10))
        loop.advanceTime(by: .seconds(9))
        deadline.set(.seconds(20))
        loop.advanceTime(by: .seconds(19))
        #expect(count.value == 0)
        loop.advanceTime(by: .seconds(1))
        #expect(count.value == 1)
        deadline.cancel()
    }

    @Test func restsWhileItIsCleared() {
        let loop = EmbeddedEventLoop()
        let count = Counter()
        let deadline = Self.make(loop, count)
        deadline.set(.seconds(10))
        deadline.clear()
        loop.advanceTime(by: .seconds(100))
        #expect(count.value == 0)
        deadline.set(.seconds(10))
        loop.advanceTime(by: .seconds(10))
        #expect(count.value == 1)
        deadline.cancel()
    }

    @Test func isOverWhenCancelled() {
        let loop = EmbeddedEventLoop()
        let count = Counter()
        let deadline = Self.make(loop, count)
        deadline.set(.seconds(10))
        deadline.cancel()
        loop.advanceTime(by: .seconds(100))
        #expect(count.value == 0)
    }
}

private final class Counter: Sendable {
    private let state = Mutex(0)
    var value: Int { self.state.withLock { $0 } }
    func add() { self.state.withLock { $0 += 1 } }
}
