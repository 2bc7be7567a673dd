import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench controllers`: what controllers do, as a client sees it, in clusters without a node, so that pods are made and nothing runs.
struct BenchControllers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controllers", abstract: "Measure controllers: rollouts, namespaces' ends, rest, memory.")

    @Option(help: "Which APIs, and as whom; what takes one cluster is done in the first.")
    var kubeconfig: [String]

    @Option(name: .customLong("server-pid"), help: "The servers' processes: their processor time and memory are measured too.")
    var serverProcesses: [Int32] = []

    @Option(help: "How many pods the one Deployment has.")
    var pods: Int = 500

    @Option(help: "How many places many Deployments are in: a namespace each, one cluster after the other.")
    var places: Int = 100

    @Option(help: "How many of the clusters have a hundred Deployments each while memory is measured.")
    var full: Int = 20

    @Option(help: "How many objects are in the namespace that is deleted.")
    var objects: Int = 10_000

    @Option(help: "How many objects are in the cluster at rest.")
    var resting: Int = 20_000

    @Option(help: "For how many seconds it is watched.")
    var seconds: Int = 20

    func run() async throws {
        let server = ServerLoad(processes: serverProcesses)
        var workplaces: [BenchWorkloads] = []
        for (index, path) in kubeconfig.enumerated() {
            let client = try KubeClient(ClientConfiguration(kubeconfig: path), connections: 64)
            workplaces.append(BenchWorkloads(client: client, namespace: "bench-\(index)"))
        }
        let before = try server.residentKilobytes()
        let result: Result<Void, any Error>
        do {
            try await measure(workplaces, server, before)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for workplace in workplaces { try await workplace.client.shutdown() }
        try result.get()
    }

    private func measure(_ clusters: [BenchWorkloads], _ server: ServerLoad, _ before: Int64) async throws {
        let first = clusters[0]
        try await memory(clusters.prefix(full).map { $0.in("hundred") }, server, before)
        try await rollout(first.in("one"), server)
        try await manyRollouts(clusters, server)
        try await namespace(first.in("doomed"), server)
        try await rest(first.in("rest"), server)
    }

    /// One large Deployment, until all of its pods are there, and until they are gone with it.
    private func rollout(_ place: BenchWorkloads, _ server: ServerLoad) async throws {
        try await place.make()
        let revision = try await place.revision()
        try await timed("Deployment of \(pods): its pods", pods, server) {
            try await place.create("large", replicas: pods)
            try await place.until(.added, pods, since: revision)
        }
        let there = try await place.revision()
        try await timed("Deployment of \(pods) deleted: its pods", pods, server) {
            try await place.delete("large")
            try await place.until(.deleted, pods, since: there)
        }
    }

    /// Two Deployments of two pods in each of many places, all at once.
    private func manyRollouts(_ clusters: [BenchWorkloads], _ server: ServerLoad) async throws {
        let places = (0..<places).map { clusters[$0 % clusters.count].in("many-\($0)") }
        for place in places { try await place.make() }
        try await timed("\(2 * places.count) Deployments of 2 in \(places.count) places: their pods", 4 * places.count, server) {
            try await withThrowingTaskGroup { group in
                for place in places {
                    group.addTask {
                        let revision = try await place.revision()
                        try await place.create("a", replicas: 2)
                        try await place.create("b", replicas: 2)
                        try await place.until(.added, 4, since: revision)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private func namespace(_ place: BenchWorkloads, _ server: ServerLoad) async throws {
        try await place.make()
        try await place.fill(objects)
        try await timed("namespace deleted: its objects", objects, server) {
            try await place.end()
        }
    }

    private func rest(_ place: BenchWorkloads, _ server: ServerLoad) async throws {
        guard server.isKnown else { return }
        try await place.make()
        try await place.fill(resting)
        // Until what follows the writing, such as checkpoints, is done.
        try await Task.sleep(for: .seconds(10))
        let used = try server.processorMilliseconds()
        try await Task.sleep(for: .seconds(seconds))
        BenchCommand.print([
            "name": "rest", "objects": .int(Int64(resting)), "seconds": .int(Int64(seconds)),
            "processorMilliseconds": .double(try server.processorMilliseconds() - used),
        ])
    }

    /// What the servers take while each of the clusters has a hundred Deployments of two pods.
    private func memory(_ places: [BenchWorkloads], _ server: ServerLoad, _ before: Int64) async throws {
        guard server.isKnown else { return }
        for place in places {
            try await place.make()
            let revision = try await place.revision()
            _ = try await Measurement.take("", count: 100, concurrency: 8) { try await place.create("web-\($0)", replicas: 2) }
            try await place.until(.added, 200, since: revision)
        }
        try await Task.sleep(for: .seconds(5))
        BenchCommand.print([
            "name": "memory", "clusters": .int(Int64(places.count)), "before": .int(before),
            "kilobytes": .int(try server.residentKilobytes()),
        ])
    }

    /// Prints how long `work`, which makes or ends so many objects, took.
    private func timed(_ name: String, _ count: Int, _ server: ServerLoad, _ work: () async throws -> Void) async throws {
        let before = try server.processorMilliseconds()
        let start = ContinuousClock.now
        try await work()
        let milliseconds = (ContinuousClock.now - start).milliseconds
        BenchCommand.print([
            "name": .string(name), "count": .int(Int64(count)), "seconds": .double(milliseconds / 1000),
            "perSecond": .double(Double(count) * 1000 / milliseconds),
            "processorMicroseconds": .double((try server.processorMilliseconds() - before) * 1000 / Double(count)),
        ])
    }
}
