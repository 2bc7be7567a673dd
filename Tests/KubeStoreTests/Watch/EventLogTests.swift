import KubeObject
import Testing

@testable import KubeStore

struct EventLogTests {
    private func event(_ revision: UInt64, padding: Int = 0) throws -> Event {
        let object = try draft("e", data: ["p": .string(String(repeating: "x", count: padding))])
            .sealed(resourceVersion: revision)
        return Event(type: .added, key: key("e"), object: object, previous: nil, revision: revision)
    }

    @Test func givesTheEventsAfterARevision() throws {
        var log = EventLog(after: 10)
        #expect(log.events(after: 10)?.isEmpty == true)
        #expect(log.events(after: 9) == nil)
        try log.append((11...14).map { try event($0) }, maximumCount: 100, maximumBytes: 1 << 20)
        #expect(log.events(after: 10)?.map(\.revision) == [11, 12, 13, 14])
        #expect(log.events(after: 13)?.map(\.revision) == [14])
        #expect(log.events(after: 14)?.isEmpty == true)
        #expect(log.latest == 14)
    }

    @Test func forgetsTheOldestBeyondItsCount() throws {
        var log = EventLog(after: 0)
        for revision in UInt64(1)...1_000 {
            log.append([try event(revision)], maximumCount: 100, maximumBytes: 1 << 30)
        }
        #expect(log.count == 100)
        #expect(log.oldest == 900)
        #expect(log.events(after: 899) == nil)
        #expect(log.events(after: 900)?.map(\.revision) == Array(901...1_000))
    }

    @Test func forgetsTheOldestBeyondItsBytes() throws {
        var log = EventLog(after: 0)
        for revision in UInt64(1)...50 {
            log.append([try event(revision, padding: 10_000)], maximumCount: 100, maximumBytes: 105_000)
        }
        #expect(log.count < 11 && log.count > 8)
        #expect(log.latest == 50)
    }

    @Test func forgetsWhatIsOld() throws {
        var log = EventLog(after: 0)
        try log.append((1...200).map { try event($0) }, maximumCount: 1_000, maximumBytes: 1 << 20)
        log.drop(through: 150)
        #expect(log.oldest == 150)
        #expect(log.events(after: 150)?.count == 50)
        log.drop(through: 500)
        #expect(log.count == 0)
        #expect(log.events(after: 200)?.isEmpty == true)
        log.append([try event(201)], maximumCount: 1_000, maximumBytes: 1 << 20)
        #expect(log.events(after: 200)?.map(\.revision) == [201])
    }
}
