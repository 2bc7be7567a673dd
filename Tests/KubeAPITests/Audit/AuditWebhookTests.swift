import KubeObject
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import KubeAPI

@Suite struct AuditBufferTests {
    private static func event(_ number: Int64, size: Int = 0) -> JSON {
        ["auditID": .string("\(number)"), "requestObject": .string(String(repeating: "x", count: size))]
    }

    private static func ids(_ batch: [UInt8]?) throws -> [String?] {
        let list = try JSON(parsing: try #require(batch))
        #expect(list["kind"] == "EventList" && list["apiVersion"] == "audit.k8s.io/v1")
        return (list["items"]?.elements ?? []).map { $0["auditID"]?.string }
    }

    private static func append(_ event: JSON, to buffer: inout AuditBuffer) { buffer.append(event, encoded: event.encoded()) }

    @Test func `batches have bounds and keep the order`() throws {
        var limits = AuditBuffer.Limits()
        limits.batchEvents = 2
        var buffer = AuditBuffer(limits)
        for number in 1...3 as ClosedRange<Int64> { Self.append(Self.event(number), to: &buffer) }
        #expect(buffer.isFull)
        #expect(try Self.ids(buffer.take()) == ["1", "2"])
        #expect(!buffer.isFull)
        #expect(try Self.ids(buffer.take()) == ["3"])
        #expect(buffer.take() == nil && buffer.isEmpty)
    }

    @Test func `a batch is no larger than it may be`() throws {
        var limits = AuditBuffer.Limits()
        limits.batchSize = 2500
        var buffer = AuditBuffer(limits)
        for number in 1...3 as ClosedRange<Int64> { Self.append(Self.event(number, size: 1000), to: &buffer) }
        #expect(try Self.ids(buffer.take()) == ["1", "2"])
        #expect(try Self.ids(buffer.take()) == ["3"])
    }

    @Test func `what there is no room for is counted`() {
        var limits = AuditBuffer.Limits()
        limits.events = 2
        var buffer = AuditBuffer(limits)
        for number in 1...5 as ClosedRange<Int64> { Self.append(Self.event(number), to: &buffer) }
        let dropped = buffer.takeDropped()
        #expect(dropped == 3)
        #expect(buffer.dropped == 0)
        limits.size = 1500
        buffer = AuditBuffer(limits)
        for number in 1...2 as ClosedRange<Int64> { Self.append(Self.event(number, size: 1000), to: &buffer) }
        #expect(buffer.dropped == 1)
    }

    @Test func `large events lose their objects, and larger ones are dropped`() throws {
        var limits = AuditBuffer.Limits()
        limits.eventSize = 500
        var buffer = AuditBuffer(limits)
        Self.append(Self.event(1, size: 1000), to: &buffer)
        var large = Self.event(2)
        large["requestURI"] = .string(String(repeating: "x", count: 1000))
        Self.append(large, to: &buffer)
        #expect(buffer.dropped == 1)
        let batch = buffer.take() ?? []
        let item = try JSON(parsing: batch)["items"]?.elements.first
        #expect(item == ["auditID": "1", "annotations": ["audit.k8s.io/truncated": "true"]])
    }
}

@Suite struct AuditWebhookTests {
    private struct Busy: Error {}

    /// Takes what it is sent, after so many failures.
    private final class Receiver: AuditReceiver {
        private let state: Mutex<(failures: Int, batches: [[String]])>
        private let refuses: Bool
        init(failures: Int = 0, refuses: Bool = false) {
            self.state = Mutex((failures, []))
            self.refuses = refuses
        }
        var batches: [[String]] { self.state.withLock { $0.batches } }

        func send(_ events: [UInt8]) async throws -> Bool {
            let ids = (try JSON(parsing: events)["items"]?.elements ?? []).compactMap { $0["auditID"]?.string }
            let fails = self.state.withLock { state in
                if state.failures > 0 {
                    state.failures -= 1
                    return true
                }
                state.batches.append(ids)
                return false
            }
            if fails { throw Busy() }
            return !self.refuses
        }
    }

    /// Time that passes when somebody waits for it.
    private final class Jumps: Clock {
        typealias Instant = ContinuousClock.Instant
        let slept = Mutex<[Duration]>([])
        private let time = Mutex(ContinuousClock.now)
        var now: Instant { self.time.withLock { $0 } }
        var minimumResolution: Duration { .zero }
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            let duration = self.time.withLock { time in
                defer { time = max(time, deadline) }
                return time.duration(to: deadline)
            }
            self.slept.withLock { $0.append(duration) }
            await Task.yield()
        }
    }

    private static func run(_ receiver: Receiver, _ clock: Jumps, events: Int, until condition: @escaping @Sendable () -> Bool)
        async throws
    {
        let webhook = AuditWebhook(
            receiver: receiver, limits: .init(), pace: .init(), clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let group = ServiceGroup(services: [webhook], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for number in 0..<events {
                let event: JSON = ["auditID": .string("\(number)")]
                webhook.append(event, encoded: event.encoded())
            }
            while !condition() { await Task.yield() }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func `a batch that isn't taken is sent again, with growing pauses, and the order stays`() async throws {
        let receiver = Receiver(failures: 9)
        let clock = Jumps()
        try await Self.run(receiver, clock, events: 500) { receiver.batches.count >= 2 }
        #expect(receiver.batches.flatMap { $0 } == (0..<500).map(String.init))
        #expect(receiver.batches.map(\.count) == [400, 100])
        let pauses = clock.slept.withLock { $0 }.filter { $0 >= .milliseconds(900) }.map { Int($0.components.seconds) }
        #expect(Array(pauses.prefix(9)) == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func `a receiver that refuses isn't asked twice`() async throws {
        let receiver = Receiver(refuses: true)
        try await Self.run(receiver, Jumps(), events: 3) { receiver.batches.count == 1 }
        #expect(receiver.batches == [["0", "1", "2"]])
    }

    @Test func `what is left at the end is sent`() async throws {
        let receiver = Receiver()
        try await Self.run(receiver, Jumps(), events: 1000) { !receiver.batches.isEmpty }
        #expect(receiver.batches.flatMap { $0 } == (0..<1000).map(String.init))
    }
}
