import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench scale`: the same verbs where there is much already, and a long list beside somebody who writes.
struct BenchScale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Measure an API with many objects and watchers, and long lists.")

    @OptionGroup var target: BenchTarget

    @Option(help: "Config maps present while others are written and read.")
    var present: Int = 10_000

    @Option(help: "Watchers of all of them.")
    var watchers: Int = 50

    @Option(help: "Requests of each kind.")
    var count: Int = 2000

    @Option(help: "How many requests at once.")
    var concurrency: Int = 16

    @Option(help: "Config maps in the long list.")
    var listed: Int = 100_000

    func run() async throws {
        try await target.withClient { client in
            try await BenchObjects.inNewNamespace(client) { objects in
                try await fill(objects, 0..<present)
                for coding in BenchObjects.Coding.allCases {
                    var coded = objects
                    coded.coding = coding
                    try await measureVerbs(coded)
                }
                try await fill(objects, present..<listed)
                for coding in BenchObjects.Coding.allCases {
                    var lister = objects
                    lister.coding = coding
                    try await measureList(lister, writer: objects)
                }
            }
        }
    }

    private func fill(_ objects: BenchObjects, _ range: Range<Int>) async throws {
        _ = try await Measurement.take("", count: range.count, concurrency: 32) {
            try await objects.create("f-\(range.lowerBound + $0)")
        }
    }

    /// Every verb at the given concurrency, while all watchers are told of every write.
    private func measureVerbs(_ objects: BenchObjects) async throws {
        try await BenchWatchers.run(watchers, of: objects) { watching in
            func measure(_ name: String, _ count: Int, _ work: @escaping @Sendable (Int) async throws -> Void) async throws {
                BenchCommand.print(
                    try await Measurement.take(
                        "\(name), \(objects.coding)", count: count, concurrency: concurrency, server: target.server, work))
                try await watching.settle()
            }
            try await measure("create", count) { try await objects.create("\(objects.coding)-\($0)") }
            try await measure("get", count) { try await objects.get("\(objects.coding)-\($0)") }
            try await target.withClient { lister in
                var lists = objects
                lists.client = lister
                try await measure("list 500", max(count / 10, 20)) { [lists] _ in try await lists.list(limit: 500) }
            }
            try await measure("patch", count) { try await objects.patch("\(objects.coding)-\($0)", "\($0)") }
            BenchCommand.print(
                try await watching.latency(
                    "watch, \(objects.coding)", of: objects, writes: max(count / 10, 20), server: target.server))
        }
    }

    // MARK: The long list

    /// Reads the whole list while another client writes, and compares its writes with those before.
    private func measureList(_ lister: BenchObjects, writer: BenchObjects) async throws {
        // The first one makes what later ones find made: it isn't what is asked about.
        _ = try await read(lister)
        let alone = try await writes(writer, "alone") { try await Task.sleep(for: .seconds(3)) }
        try target.server.forgetPeak()
        let before = try target.server.residentKilobytes()
        let list = try await read(lister)
        let grown = try target.server.peakKilobytes() - before
        let beside = try await writes(writer, "beside") { _ = try await self.read(lister) }

        var row: JSON = [
            "name": "list", "coding": .string(lister.coding.rawValue), "objects": .int(Int64(listed)),
            "megabytes": .double(Double(list.bytes) / 1_048_576), "firstByte": .double(list.firstByte),
            "milliseconds": .double(list.all), "writesAlone": alone.tree, "writesBeside": beside.tree,
        ]
        if target.server.isKnown { row["peakKilobytes"] = .int(grown) }
        BenchCommand.print(row)
    }

    /// Milliseconds until the body's first byte and until its end.
    private func read(_ objects: BenchObjects) async throws -> (bytes: Int, firstByte: Double, all: Double) {
        let start = ContinuousClock.now
        var firstByte: Double?
        var bytes = 0
        for try await piece in try await objects.client.stream(objects.collection.description, accept: objects.coding.mediaType) {
            firstByte = firstByte ?? (ContinuousClock.now - start).milliseconds
            bytes += piece.count
        }
        return (bytes, firstByte ?? 0, (ContinuousClock.now - start).milliseconds)
    }

    /// A client of its own that changes one config map after the other, a hundred a second, for as long as `body` lasts.
    private func writes(
        _ objects: BenchObjects, _ name: String, while body: @escaping @Sendable () async throws -> Void
    ) async throws -> Measurement {
        try await KubeClient.with(objects.client.configuration, usesHTTP2: !target.http1) { client in
            let own = BenchObjects(client: client, namespace: objects.namespace)
            try await own.patch("f-0", "warm")
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body() }
                let over = StopSign()
                async let latencies = Self.write(own, until: over)
                try await group.waitForAll()
                over.raise()
                let found = try await latencies
                return Measurement(name: name, concurrency: 1, latencies: found.latencies, seconds: found.seconds)
            }
        }
    }

    private static func write(
        _ objects: BenchObjects, until over: StopSign
    ) async throws -> (latencies: [Double], seconds: Double) {
        let clock = ContinuousClock()
        let start = clock.now
        var latencies: [Double] = []
        while !over.isRaised {
            let began = clock.now
            try await objects.patch("f-\(latencies.count % 1000)", "\(latencies.count)")
            latencies.append((clock.now - began).milliseconds)
            try await clock.sleep(until: began + .milliseconds(10))
        }
        return (latencies, (clock.now - start).milliseconds / 1000)
    }
}
