import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import Synchronization
import Testing

@testable import KubeAPI

/// Who is let in, in which order. Requests that wait are tasks that stand still in the queue, so that their number is known.
@Suite struct FairQueueTests {
    private let limits = FairQueue.Limits(seats: 8, sharedSeats: 2)
    /// Stands still: what counts as lately, and who has waited too long, doesn't depend on the machine.
    private let clock = StoppedClock()

    private func flow(_ user: UserInfo, namespace: String = "default") -> Flow {
        FlowConfigurations().ofNewClusters.classify(
            RequestInfo(method: .get, path: "/api/v1/namespaces/\(namespace)/pods/x", query: QueryItems("")), user)
    }

    private var admin: Flow { self.flow(UserInfo(name: "admin", groups: ["system:masters", "system:authenticated"])) }
    private func user(_ name: String) -> Flow { self.flow(UserInfo(name: name, groups: ["system:authenticated"])) }

    private func untilWaiting(_ count: Int, _ queue: FairQueue) async {
        while queue.waiting < count { await Task.yield() }
    }

    @Test func aClusterAloneMayHaveAllSeatsAndLeavesNothingBehind() async throws {
        let queue = FairQueue(self.limits) { [clock] in clock.now }
        var turns: [Turn] = []
        for _ in 0..<8 { turns.append(try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))) }
        #expect(queue.seated == 8)
        await withTaskGroup { group in
            group.addTask { await queue.turn(self.admin, cluster: 1, concurrency: 600) != nil }
            await self.untilWaiting(1, queue)
            turns.removeLast()
            #expect(await group.next() == true)
        }
        turns.removeAll()
        #expect(queue.seated == 0 && queue.waiting == 0 && queue.clusters == 0)
    }

    @Test func besideOthersAClusterHasFewSeatsAndTheOthersFindTheirs() async throws {
        let queue = FairQueue(self.limits) { [clock] in clock.now }
        let others = try #require(await queue.turn(self.admin, cluster: 2, concurrency: 600))
        var flood: [Turn] = []
        for _ in 0..<2 { flood.append(try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))) }
        await withTaskGroup(of: Turn?.self) { group in
            for _ in 0..<100 { group.addTask { await queue.turn(self.admin, cluster: 1, concurrency: 600) } }
            await self.untilWaiting(100, queue)
            #expect(queue.seated == 3)
            // Nobody of the flood is before them, though a hundred wait.
            let next = await queue.turn(self.admin, cluster: 2, concurrency: 600)
            #expect(next != nil && queue.waiting == 100)
            next?.end()
            others.end()
            for turn in flood { turn.end() }
            for await turn in group { turn?.end() }
        }
        #expect(queue.seated == 0 && queue.clusters == 0)
    }

    @Test func thePlatformIsNotHeldBack() async throws {
        let queue = FairQueue(self.limits) { [clock] in clock.now }
        let other = try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))
        var turns: [Turn] = []
        for _ in 0..<7 {
            turns.append(try #require(await queue.turn(self.admin, cluster: 2, concurrency: 600, isPlatform: true)))
        }
        #expect(queue.seated == 8)
        _ = (other, turns)
    }

    /// With one seat, the order in which requests come out is the order that the queue chose.
    @Test func usersOfALevelTakeTurns() async throws {
        let queue = FairQueue(.init(seats: 1, sharedSeats: 1)) { [clock] in clock.now }
        let first = try #require(await queue.turn(self.user("a"), cluster: 1, concurrency: 600))
        let order = Order()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask {
                    let turn = await queue.turn(self.user("greedy"), cluster: 1, concurrency: 600)
                    order.add("greedy")
                    turn?.end()
                }
                await self.untilWaiting(index + 1, queue)
            }
            group.addTask {
                let turn = await queue.turn(self.user("modest"), cluster: 1, concurrency: 600)
                order.add("modest")
                turn?.end()
            }
            await self.untilWaiting(41, queue)
            first.end()
        }
        let position = try #require(order.names.firstIndex(of: "modest"))
        // Six of 128 queues are the greedy one's: the modest one has one of its own.
        #expect(position <= 7)
    }

    @Test func aLevelThatHasEnoughRefusesOrQueues() async throws {
        // Of 20, the level for what nobody claims has one, and refuses more.
        let queue = FairQueue(.init(seats: 100, sharedSeats: 100)) { [clock] in clock.now }
        let configuration = FlowConfiguration(
            Bootstrap.base.snapshot.list(prefix: "flowcontrol.apiserver.k8s.io/")
                .filter { $0.metadata.name != "global-default" })
        let flow = configuration.classify(
            RequestInfo(method: .get, path: "/version", query: QueryItems("")),
            UserInfo(name: "u", groups: ["system:authenticated"]))
        #expect(flow.level.name == "catch-all" && !flow.fields.isEmpty)
        var turns: [Turn] = []
        while let turn = await queue.turn(flow, cluster: 1, concurrency: 20) {
            turns.append(turn)
            guard turns.count < 50 else { break }
        }
        // Its own, and what the others lend of theirs.
        #expect((1..<20).contains(turns.count))
        turns.removeLast()
        #expect(await queue.turn(flow, cluster: 1, concurrency: 20) != nil)
    }

    @Test func whoWaitsTooLongIsRefused() async throws {
        let clock = StoppedClock()
        let queue = FairQueue(.init(seats: 1, sharedSeats: 1)) { clock.now }
        let first = try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))
        await withTaskGroup { group in
            group.addTask { await queue.turn(self.admin, cluster: 1, concurrency: 600) == nil }
            await self.untilWaiting(1, queue)
            clock.advance(by: .seconds(16))
            first.rest()
            #expect(await group.next() == true)
        }
        first.end()
        #expect(queue.clusters == 0)
    }

    @Test func whoRestsLetsOthersWorkAndComesBack() async throws {
        let queue = FairQueue(.init(seats: 1, sharedSeats: 1)) { [clock] in clock.now }
        let first = try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))
        first.rest()
        let second = try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))
        await withTaskGroup { group in
            group.addTask { await first.resume() }
            await Task.yield()
            second.end()
            await group.waitForAll()
        }
        #expect(queue.seated == 1)
        first.end()
        first.end()
        #expect(queue.seated == 0 && queue.clusters == 0)
    }

    @Test func whoGivesUpIsForgotten() async throws {
        let queue = FairQueue(.init(seats: 1, sharedSeats: 1)) { [clock] in clock.now }
        let first = try #require(await queue.turn(self.admin, cluster: 1, concurrency: 600))
        await withTaskGroup { group in
            group.addTask { await queue.turn(self.admin, cluster: 1, concurrency: 600) == nil }
            await self.untilWaiting(1, queue)
            group.cancelAll()
            #expect(await group.next() == true)
        }
        #expect(queue.waiting == 0)
        first.end()
        #expect(queue.clusters == 0)
    }

    @Test func handsAreOfDifferentQueues() {
        for hash in [0, 1, 7, 12_345_678_901, UInt64.max] {
            let hand = LevelLine.hand(hash, queues: 16, size: 4)
            #expect(Set(hand).count == 4 && hand.allSatisfy { (0..<16).contains($0) })
        }
        #expect(Set(LevelLine.hand(99, queues: 3, size: 8)) == [0, 1, 2])
    }
}

private final class Order: Sendable {
    private let state = Mutex<[String]>([])
    var names: [String] { self.state.withLock { $0 } }
    func add(_ name: String) { self.state.withLock { $0.append(name) } }
}

/// A clock that goes on when it is told to.
final class StoppedClock: Sendable {
    private let state = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { self.state.withLock { $0 } }
    func advance(by duration: Duration) { self.state.withLock { $0 = $0.advanced(by: duration) } }
}
