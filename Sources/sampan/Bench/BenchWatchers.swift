import KubeClient
import Synchronization

/// Watchers of one collection that only count what comes.
final class BenchWatchers: Sendable {
    private struct State {
        var seen = 0
        var waiting: (goal: Int, continuation: CheckedContinuation<Void, Never>)?
        var failure: (any Error)?
    }

    private let count: Int
    private let state = Mutex(State())

    private init(count: Int) { self.count = count }

    /// Watches with `count` watchers, from now on, while `body` lasts: all over the objects' client.
    static func run(_ count: Int, of objects: BenchObjects, _ body: (BenchWatchers) async throws -> Void) async throws {
        let watchers = BenchWatchers(count: count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let revision = try await objects.revision()
            for _ in 0..<count {
                let stream = try await objects.client.stream(
                    objects.collection.description, query: [("watch", "true"), ("resourceVersion", revision)],
                    accept: objects.coding == .json ? objects.coding.mediaType : objects.coding.mediaType + ";stream=watch")
                group.addTask {
                    do {
                        var frames = FrameCounter(coding: objects.coding)
                        for try await bytes in stream { watchers.note(frames.take(bytes)) }
                        if !Task.isCancelled { watchers.fail(CommandFailure("A watch ended early.")) }
                    } catch {
                        if !Task.isCancelled { watchers.fail(error) }
                    }
                }
            }
            try await body(watchers)
            group.cancelAll()
        }
        if let failure = watchers.state.withLock({ $0.failure }) { throw failure }
    }

    /// The same, each over a connection of its own, in JSON.
    static func runConnections(_ count: Int, of objects: BenchObjects, _ body: (BenchWatchers) async throws -> Void) async throws
    {
        let watchers = BenchWatchers(count: count)
        let path = "\(objects.collection)?watch=true&resourceVersion=\(try await objects.revision())"
        let connections = try await WatchConnections.open(
            count, .init(configuration: objects.client.configuration, path: path), note: watchers.note, fail: watchers.fail)
        try await body(watchers)
        try await connections.close()
    }

    /// One write after the other: from the moment that it is sent until every watcher has its event.
    ///
    /// Nobody else may write what is watched.
    func latency(_ name: String, of objects: BenchObjects, writes: Int, server: ServerLoad) async throws -> Measurement {
        let seen = state.withLock { $0.seen }
        let prefix = "watched-\(UInt32.random(in: 0 ... .max))"
        var measurement = try await Measurement.take(name, count: writes, concurrency: 1, server: server) { index in
            async let written: Void = objects.create("\(prefix)-\(index)")
            try await self.wait(until: seen + (index + 1) * self.count)
            try await written
        }
        measurement.concurrency = count
        return measurement
    }

    /// Writes by many clients at once, until every watcher has every event: how many of them a second. The latencies are the writes'.
    ///
    /// Nobody else may write what is watched.
    func rate(
        _ name: String, of objects: BenchObjects, writes: Int, concurrency: Int, server: ServerLoad
    ) async throws -> Measurement {
        let goal = state.withLock { $0.seen } + writes * count
        let prefix = "streamed-\(UInt32.random(in: 0 ... .max))"
        let before = try server.processorMilliseconds()
        let start = ContinuousClock.now
        var measurement = try await Measurement.take(name, count: writes, concurrency: concurrency) {
            try await objects.create("\(prefix)-\($0)")
        }
        try await wait(until: goal)
        measurement.seconds = (ContinuousClock.now - start).milliseconds / 1000
        if server.isKnown { measurement.processorMilliseconds = try server.processorMilliseconds() - before }
        measurement.concurrency = count
        return measurement
    }

    /// Waits until nothing has come for a moment: what was written so far has been told.
    func settle() async throws {
        var seen = -1
        while true {
            let (now, failure) = state.withLock { ($0.seen, $0.failure) }
            if let failure { throw failure }
            if now == seen { return }
            seen = now
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Waits until all watchers together have had so many events.
    private func wait(until goal: Int) async throws {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.seen >= goal || state.failure != nil { return true }
                state.waiting = (goal, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func note(_ events: Int) {
        guard events > 0 else { return }
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.seen += events
            guard let waiting = state.waiting, state.seen >= waiting.goal else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        continuation?.resume()
    }

    private func fail(_ error: any Error) {
        let continuation = state.withLock { state in
            state.failure = state.failure ?? error
            defer { state.waiting = nil }
            return state.waiting?.continuation
        }
        continuation?.resume()
    }
}

/// Counts the events of a watch, however its bytes are cut: lines in JSON, frames with their length before them in protobuf.
struct FrameCounter {
    let coding: BenchObjects.Coding
    /// Of the frame under way: how much of its length has come, and how much of it is still to come.
    private var lengthBytes = 0
    private var left = 0

    init(coding: BenchObjects.Coding) { self.coding = coding }

    /// The number of events that end in these bytes.
    mutating func take(_ bytes: [UInt8]) -> Int {
        switch coding {
        case .json: return bytes.count { $0 == UInt8(ascii: "\n") }
        case .protobuf:
            var ended = 0
            var index = 0
            while index < bytes.count {
                if lengthBytes < 4 {
                    left = left << 8 | Int(bytes[index])
                    lengthBytes += 1
                    index += 1
                } else {
                    let taken = min(left, bytes.count - index)
                    left -= taken
                    index += taken
                }
                if lengthBytes == 4, left == 0 {
                    ended += 1
                    lengthBytes = 0
                }
            }
            return ended
        }
    }
}

/// Says once that something is over.
final class StopSign: Sendable {
    private let state = Atomic<Bool>(false)

    var isRaised: Bool { state.load(ordering: .acquiring) }

    func raise() { state.store(true, ordering: .releasing) }
}
