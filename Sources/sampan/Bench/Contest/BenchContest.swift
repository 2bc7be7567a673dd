import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject
import KubeRuntime
import Logging

/// `sampan bench contest`: a contest of many teams on this machine, with everything that they do, in an instance that has nothing else.
struct BenchContest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contest", abstract: "Replay a contest of many teams; fails if any request fails that should not.")

    @OptionGroup var instance: InstanceOptions

    @Option(help: "How much of the reference event: 1 is 130 teams, 990 clusters, 175 awake at once, 980 services.")
    var scale: Double = 1

    @Option(help: "How many clusters are created over the run, if not the event's part.")
    var clusters: Int?

    @Option(help: "How many clusters sleep beside those, all the time.")
    var asleep: Int = 0

    @Option(help: ArgumentHelp("How long teams work and clusters come and go.", valueName: "seconds"))
    var seconds: Int = 600

    @Option(help: ArgumentHelp("How many requests developers send.", valueName: "requests a second"))
    var rate: Double = 60

    @Option(help: "An image of the sample web server that is there already.")
    var image: String = "sampan.dev/sample/web:1"

    func validate() throws {
        guard scale > 0, scale <= 100, seconds > 0, rate > 0, rate <= 10_000, asleep >= 0 else {
            throw ValidationError("--scale, --seconds and --rate must be greater than zero, and --asleep not less.")
        }
    }

    func run() async throws {
        let configuration = try instance.load()
        let plan = ContestPlan(scale: scale, clusters: clusters, asleep: asleep)
        let folder =
            FileManager.default.temporaryDirectory.path() + "/sampan-contest-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { Console.note("\(folder) stays: \(error)") }
        }
        var logger = Logger(label: "sampan") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let engine = try ContainerEngine(
            options: EngineOptions(
                dataDirectory: configuration.dataDirectory, instance: configuration.instance, podSubnet: configuration.podSubnet),
            logger: logger)
        let ledger = ContestLedger()
        let remains = ContestRemains(configuration: configuration, engine: engine)
        try await BenchServer.with(configuration) { server in
            let before = (try await remains.look(), try await server.gauge("sampan_clusters"))
            BenchCommand.print(Self.tree(of: plan, seconds: seconds, rate: rate))
            try await Contest(
                plan: plan, server: server, engine: engine, ledger: ledger, image: image, machine: try Self.machine(),
                folder: folder,
                duration: .seconds(seconds), rate: rate
            ).run()
            let left = try await Self.whatIsLeft(since: before, remains, server)
            BenchCommand.print(["name": "left over", "what": JSON(left)])
            if !left.isEmpty { ledger.fail("left over", left.joined(separator: "; ")) }
        }
        guard ledger.failures == 0 else {
            throw CommandFailure("\(ledger.failures) things failed in the contest; they are in the lines above.")
        }
    }

    static func tree(of plan: ContestPlan, seconds: Int, rate: Double) -> JSON {
        [
            "name": "contest", "scale": .double(plan.scale), "teams": .int(Int64(plan.teams)),
            "clusters": .int(Int64(plan.clusters)),
            "awake": .int(Int64(plan.awake)), "services": .int(Int64(plan.services)), "asleep": .int(Int64(plan.asleep)),
            "seconds": .int(Int64(seconds)), "rate": .double(rate),
        ]
    }

    /// By which address ports of the machine are reached.
    private static func machine() throws -> String {
        guard let address = HostAddresses.all.first(where: { IPv4Network("\($0)/32") != nil }) else {
            throw CommandFailure("This machine has no IPv4 address but loopback's, so node ports can't be reached.")
        }
        return address
    }

    /// What a minute after the end isn't gone.
    private static func whatIsLeft(
        since before: (system: Set<String>, clusters: Int), _ remains: ContestRemains, _ server: BenchServer
    ) async throws -> [String] {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            var left = try await remains.look().subtracting(before.system).sorted()
            let clusters = try await server.gauge("sampan_clusters") - before.clusters
            if clusters > 0 { left.append("\(clusters) clusters") }
            if left.isEmpty || ContinuousClock.now > end { return left }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
