import Foundation
import KubeObject
import Testing

@testable import Fleet

@Suite struct UsageLedgerTests {
    private static let hour = 1_795_849_200.0  // 2026-11-28T07:00:00Z

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("usage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private static func record(_ cluster: String, team: String = "blue", hour: Double = hour, requests: Int64 = 1) -> UsageRecord
    {
        UsageRecord(
            hour: hour, team: team, cluster: cluster, uid: "uid-\(cluster)",
            amounts: UsageAmounts(
                cpuSeconds: 1.5, memoryByteSeconds: 3 * 1_048_576, storageByteSeconds: 0, awakeSeconds: 3600, requests: requests))
    }

    private func read(_ ledger: UsageLedger, since: Double = 0, until: Double = 4e9, team: String? = nil) throws -> [UsageRecord]
    {
        var records: [UsageRecord] = []
        try ledger.read(ledger.extent, since: since, until: until, team: team) { records.append($0) }
        return records
    }

    @Test func hoursAreKeptAndFound() throws {
        try withDirectory { directory in
            var ledger = try UsageLedger(directory: directory)
            let (first, second, later) = (
                Self.record("a"), Self.record("b", team: "red"), Self.record("a", hour: Self.hour + 7 * 86_400)
            )
            try ledger.append([first, second], hour: Self.hour, number: 1)
            try ledger.append([later], hour: later.hour, number: 2)
            for _ in 0..<2 {
                #expect(try read(ledger) == [first, second, later])
                #expect(try read(ledger, team: "red") == [second])
                #expect(try read(ledger, since: Self.hour + 1) == [later])
                #expect(try read(ledger, until: Self.hour) == [])
                #expect(ledger.sequence == 2)
                ledger = try UsageLedger(directory: directory)
            }
        }
    }

    /// A kill at any byte of an append leaves the whole blocks before it, and the hour is appended again.
    @Test func halfABlockIsCutOff() throws {
        try withDirectory { directory in
            var ledger = try UsageLedger(directory: directory)
            try ledger.append([Self.record("a")], hour: Self.hour, number: 1)
            let path = directory + "/usage-2026-11.jsonl"
            let whole = try #require(FileManager.default.contents(atPath: path))
            try ledger.append([Self.record("b"), Self.record("c")], hour: Self.hour + 3600, number: 2)
            let both = try #require(FileManager.default.contents(atPath: path))
            for length in whole.count..<both.count {
                try both.prefix(length).write(to: URL(fileURLWithPath: path))
                ledger = try UsageLedger(directory: directory)
                #expect(ledger.sequence == 1)
                #expect(try read(ledger).map(\.cluster) == ["a"])
                try ledger.append([Self.record("b"), Self.record("c")], hour: Self.hour + 3600, number: 2)
                // Once more is nothing.
                try ledger.append([Self.record("b"), Self.record("c")], hour: Self.hour + 3600, number: 2)
                #expect(try read(ledger).map(\.cluster) == ["a", "b", "c"])
            }
        }
    }

    /// A kill between any two steps of closing an hour: it is in the ledger or in the checkpoint, and never in both.
    @Test func anHourIsClosedOnce() throws {
        try withDirectory { directory in
            var checkpoint = UsageCheckpoint(sequence: 1, hour: Self.hour)
            checkpoint.records = [Self.record("a")]
            checkpoint.counted = ["c": .init(nanoseconds: 17, missed: 2)]
            checkpoint.hasCounted = true
            let ledger = try UsageLedger(directory: directory)
            #expect(try ledger.checkpoint() == nil)
            try ledger.write(checkpoint)
            #expect(try UsageLedger(directory: directory).checkpoint() == checkpoint)
            try ledger.append(checkpoint.records, hour: Self.hour, number: 1)
            let found = try #require(try UsageLedger(directory: directory).checkpoint())
            #expect(found.records == [])
            #expect(found.sequence == 2)
            #expect(found.counted == checkpoint.counted)
            try Data("{".utf8).write(to: URL(fileURLWithPath: directory + "/current.json"))
            #expect(throws: (any Error).self) { try ledger.checkpoint() }
            try ledger.setCheckpointAside()
            #expect(try ledger.checkpoint() == nil)
        }
    }

    // MARK: The meter

    private static let name = UsageMeter.Name(logical: "blue--demo", uid: "u")

    private func look(_ meter: UsageMeter, at now: ContinuousClock.Instant, _ containers: [(String, UInt64)]?, storage: Int64 = 0)
    {
        meter.look(
            now: now, elapsed: 10,
            pods: containers?.map { PodUse(cluster: 1, key: $0.0, processorNanoseconds: $0.1, memory: 1000) },
            storage: storage > 0 ? [(Self.name, storage)] : []
        ) { $0 == 1 ? Self.name : nil }
    }

    @Test func processorTimeIsCountedOnceAcrossLooksAndRestarts() throws {
        var meter = UsageMeter(UsageCheckpoint(sequence: 1, hour: Self.hour))
        let now = ContinuousClock.now
        // What ran before the ledger was there counts from now on.
        look(meter, at: now, [("old", 5_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 0)
        look(meter, at: now, [("old", 7_000_000_000), ("new", 1_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 3)
        // A restart of the server, while both run on.
        let tree = meter.checkpoint.tree
        meter = UsageMeter(try #require(UsageCheckpoint(tree)))
        look(meter, at: now, [("old", 7_500_000_000), ("new", 1_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 3.5)
        // One that can't be read once isn't counted anew; what isn't known counts nothing.
        look(meter, at: now, [("new", 1_000_000_000)])
        look(meter, at: now, nil)
        look(meter, at: now, [("old", 7_500_000_000), ("new", 1_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 3.5)
        for _ in 0...UsageMeter.maximumMissed { look(meter, at: now, []) }
        #expect(meter.checkpoint.counted.isEmpty)
    }

    @Test func whatEndsBetweenTwoLooksIsCountedOnce() throws {
        let meter = UsageMeter(UsageCheckpoint(sequence: 1, hour: Self.hour))
        let now = ContinuousClock.now
        func end(_ pods: [(String, UInt64)], live: [(String, UInt64)] = []) {
            func uses(_ pods: [(String, UInt64)]) -> [PodUse] {
                pods.map { PodUse(cluster: 1, key: $0.0, processorNanoseconds: $0.1, memory: 0) }
            }
            meter.look(now: now, elapsed: 10, pods: uses(live), ended: uses(pods), storage: []) { $0 == 1 ? Self.name : nil }
        }
        look(meter, at: now, [])
        // Never seen alive; seen alive before; in the same look as alive.
        end([("short", 1_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 1)
        look(meter, at: now, [("long", 2_000_000_000)])
        end([("long", 2_500_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 3.5)
        end([("both", 4_000_000_000)], live: [("both", 3_000_000_000)])
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 7.5)
        #expect(meter.checkpoint.counted["both"] == nil)
        end((0..<100).map { ("job-\($0)", 1_000_000_000) })
        #expect(meter.checkpoint.records.first?.amounts.cpuSeconds == 107.5)
        // What a version before counted by container isn't taken for pods.
        var tree = meter.checkpoint.tree
        tree["unit"] = nil
        #expect(UsageCheckpoint(tree)?.hasCounted == false)
        #expect(UsageCheckpoint(tree)?.records.count == 1)
    }

    @Test func timeAwakeAndStorageAreCounted() {
        let meter = UsageMeter(UsageCheckpoint(sequence: 1, hour: Self.hour))
        let now = ContinuousClock.now
        meter.set(Self.name, isAwake: true, now: now)
        meter.set(Self.name, isAwake: true, now: now + .seconds(5))
        look(meter, at: now + .seconds(10), nil, storage: 50)
        meter.set(Self.name, isAwake: false, now: now + .seconds(25))
        look(meter, at: now + .seconds(100), nil)
        let record = meter.checkpoint.records.first
        #expect(record?.amounts.awakeSeconds == 25)
        #expect(record?.amounts.storageByteSeconds == 500)
        #expect(record?.team == "blue")
        #expect(record?.cluster == "demo")
        #expect(meter.metricsText.contains("sampan_usage_awake_seconds_total{team=\"blue\"} 25.0\n"))
    }

    @Test func whatIsAddedWhileAnHourIsClosedBelongsToTheNext() {
        let meter = UsageMeter(UsageCheckpoint(sequence: 4, hour: Self.hour))
        let now = ContinuousClock.now
        meter.set(Self.name, isAwake: true, now: now)
        look(meter, at: now + .seconds(10), nil)
        let closed = meter.checkpoint
        meter.set(Self.name, isAwake: false, now: now + .seconds(12))
        meter.begin(hour: Self.hour + 3600, after: closed)
        let open = meter.checkpoint
        #expect(open.records.map(\.amounts.awakeSeconds) == [2])
        #expect(open.records.map(\.hour) == [Self.hour + 3600])
        #expect(open.sequence == 5)
    }

    @Test func metricsHaveABoundedNumberOfSeries() {
        let meter = UsageMeter(UsageCheckpoint(sequence: 1, hour: Self.hour))
        let now = ContinuousClock.now
        for index in 0..<300 { meter.set(.init(logical: "t\(index)--c", uid: "u\(index)"), isAwake: true, now: now) }
        look(meter, at: now + .seconds(1), nil)
        let lines = meter.metricsText.split(separator: "\n").filter { $0.hasPrefix("sampan_usage_awake_seconds_total{") }
        #expect(lines.count == UsageMeter.maximumSeries + 1)
        #expect(lines.contains("sampan_usage_awake_seconds_total{team=\"_other\"} 200.0"))
    }

    // MARK: Reports

    @Test(arguments: [("cluster", 2), ("hour", 3), ("day", 2), ("team", 1)])
    func recordsAreAddedUp(by: String, count: Int) throws {
        let query = try UsageQuery(["by": .string(by)], team: "blue", now: Self.hour + 7200)
        var sum = UsageSum(query)
        sum.add(Self.record("a"), isOpen: false)
        sum.add(Self.record("b"), isOpen: false)
        sum.add(Self.record("a", hour: Self.hour + 3600), isOpen: true)
        #expect(sum.entries.count == count)
        #expect(sum.entries.reduce(0) { $0 + $1.amounts.requests } == 3)
        #expect(sum.entries.contains { $0.isOpen })
        #expect(sum.entries[0].tree["memoryGiBHours"] != nil)
    }

    @Test func wrongQuestionsAreAnsweredWithReasons() {
        func paths(_ body: JSON) -> [String] {
            do {
                _ = try UsageQuery(body, team: "blue", now: Self.hour)
                return []
            } catch {
                return error.list.map(\.path)
            }
        }
        #expect(paths([:]) == [])
        #expect(paths(["since": "yesterday", "by": "minute"]) == ["since", "by"])
        #expect(paths(["since": "2026-11-28T08:00:00Z", "until": "2026-11-28T07:00:00Z"]) == ["since"])
        #expect(paths(["since": "2020-01-01T00:00:00Z"]) == ["since"])
    }
}
