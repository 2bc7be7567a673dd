import KubeClient
import KubeObject
import KubeRuntime
import Synchronization

/// The course of a contest: teams come, clusters are filled in, work goes on while clusters come and go, and everything is reclaimed.
struct Contest {
    let plan: ContestPlan
    let server: BenchServer
    let engine: ContainerEngine
    let ledger: ContestLedger
    let image: String
    let machine: String
    let folder: String
    let duration: Duration
    let rate: Double

    /// How many clusters are filled in or reclaimed at once, and how many at most come and go.
    private static let atOnce = 8

    func run() async throws {
        let clock = ContinuousClock()
        var start = clock.now
        func report(_ phase: String) {
            let row: JSON = ["name": "phase", "of": .string(phase), "seconds": .double((clock.now - start).milliseconds / 1000)]
            BenchCommand.print(row)
            Console.note("contest: \(phase) in \((clock.now - start).text)")
            start = clock.now
        }
        let fleet = try await makeFleet()
        report("\(plan.teams) teams made")
        let use = ContestUse(server: server.load, engine: engine)
        await fleet.rest(plan.asleep, of: fleet.full)
        if plan.asleep > 0 {
            await Self.each(plan.asleep, atOnce: 16) { await fleet.rest($0) }
            report("\(plan.asleep) clusters made and put to sleep")
        }
        await Self.each(plan.awake, atOnce: Self.atOnce) { _ in await fleet.renew() }
        report("\(plan.awake) clusters made, with their pods")
        fleet.becomeSteady()
        try use.begin()
        try await work(fleet, use)
        fleet.endSteady()
        report("work")
        for tree in try use.trees() { BenchCommand.print(tree) }
        BenchCommand.print(try await state(fleet))
        await reclaim(fleet)
        report("reclaimed")
        let names = ContestFleet.names + ContestRequest.allCases.map(\.rawValue)
        for tree in ledger.trees(of: names) { BenchCommand.print(tree) }
        for team in fleet.teams + [fleet.full] {
            await fleet.noting("delete a team") {
                try await team.api.client.shutdown()
                try await server.api.client.delete(server.api.teamPath(team.name))
            }
        }
        BenchCommand.print([
            "name": "total", "answered": .int(Int64(ledger.answers)), "rejected": .int(Int64(ledger.rejections)),
            "failed": .int(Int64(ledger.failures)), "clusters": .int(Int64(fleet.made + plan.asleep + 1)),
        ])
    }

    private func makeFleet() async throws -> ContestFleet {
        let made = Mutex<[ContestTeam]>([])
        await Self.each(plan.teams + 1, atOnce: Self.atOnce) { [plan, server, ledger] index in
            do {
                // The first one is full with its one cluster.
                let team = try await ContestTeam.make(
                    "team-\(index)", clusters: index == 0 ? 1 : plan.clustersPerTeam, server.api)
                made.withLock { $0.append(team) }
            } catch {
                ledger.fail("make a team", "\(error)")
            }
        }
        var teams = made.withLock { $0 }
        guard let full = teams.firstIndex(where: { $0.name == "team-0" }), teams.count > 1 else {
            throw CommandFailure("The teams couldn't be made: \(ledger.trees(of: []).last?["message"]?.string ?? "")")
        }
        let withoutRoom = teams.remove(at: full)
        return ContestFleet(plan, teams, full: withoutRoom, ledger, image: image, machine: machine, folder: folder)
    }

    /// Requests at a steady rate, while clusters come, sleep, wake and go as steadily.
    private func work(_ fleet: ContestFleet, _ use: ContestUse) async throws {
        let (plan, duration, rate) = (plan, duration, rate)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await use.watch() }
            group.addTask { try await Self.say(fleet) }
            try await withThrowingTaskGroup(of: Void.self) { working in
                working.addTask { try await ContestTraffic(fleet: fleet, rate: rate).run(for: duration) }
                working.addTask {
                    try await Self.steadily(plan.clusters - plan.awake, over: duration) { index in
                        await fleet.renew()
                        if index % 2 == 0 {
                            await fleet.reclaimAwake()
                        } else {
                            await fleet.putToSleep()
                            await fleet.reclaimAsleep(beyond: plan.awake)
                        }
                    }
                }
                working.addTask {
                    try await Self.steadily(plan.wakes, over: duration) { _ in
                        // The other way round there were fewer awake meanwhile; only the first have to fall asleep before.
                        if await fleet.wake() {
                            await fleet.putToSleep()
                        } else {
                            await fleet.putToSleep()
                            await fleet.wake()
                        }
                    }
                }
                try await working.waitForAll()
            }
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    private func reclaim(_ fleet: ContestFleet) async {
        await Self.each(fleet.awake, atOnce: Self.atOnce) { _ in await fleet.reclaimAwake() }
        await Self.each(fleet.asleep, atOnce: 16) { _ in
            if await !fleet.reclaimAsleep() { _ = await fleet.reclaimResting() }
        }
    }

    private func state(_ fleet: ContestFleet) async throws -> JSON {
        let awake = fleet.awakeRange
        return [
            "name": "state", "leastAwake": .int(Int64(awake.lowerBound)), "mostAwake": .int(Int64(awake.upperBound)),
            "present": .int(Int64(try await server.gauge("sampan_clusters") - 1)),
            "asleep": .int(Int64(try await server.gauge("sampan_clusters_asleep"))),
            "loaded": .int(Int64(try await server.gauge("sampan_clusters_loaded"))),
        ]
    }

    private static func say(_ fleet: ContestFleet) async throws {
        while true {
            try await Task.sleep(for: .seconds(15))
            Console.note(
                "contest: \(fleet.awake) awake, \(fleet.asleep) asleep, \(fleet.made) made, \(fleet.ledger.answers) answers, \(fleet.ledger.failures) failures"
            )
        }
    }

    /// Does something `count` times, so many at once.
    private static func each(_ count: Int, atOnce: Int, _ body: @escaping @Sendable (Int) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= atOnce { await group.next() }
                group.addTask { await body(index) }
            }
        }
    }

    /// Begins something `count` times, evenly over the time, and returns when all of it is done.
    private static func steadily(
        _ count: Int, over duration: Duration, _ body: @escaping @Sendable (Int) async -> Void
    ) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                try await clock.sleep(until: start + duration * (Double(index) + 0.5) / Double(count))
                if index >= atOnce * 2 { try await group.next() }
                group.addTask { await body(index) }
            }
            try await group.waitForAll()
        }
    }
}
