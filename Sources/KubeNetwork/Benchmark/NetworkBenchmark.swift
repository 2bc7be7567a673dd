import KubeObject
public import Logging

/// Measures the pod network's parts on this machine: what a change of a service costs with many in place, in the kernel's
/// own time and `nft`'s, and how many DNS questions are answered a second.
///
/// The table that it makes is its own and is removed; no packet is sent anywhere but over the loopback.
public struct NetworkBenchmark: Sendable {
    /// What one measurement found.
    public struct Measurement: Sendable, CustomStringConvertible {
        public let name: String
        /// How many did it at once.
        public let concurrency: Int
        public let count: Int
        public let elapsed: Duration
        public let p50: Duration
        public let p99: Duration

        public var perSecond: Double { elapsed > .zero ? Double(count) / (elapsed / .seconds(1)) : 0 }

        public var description: String {
            func milliseconds(_ duration: Duration) -> String {
                "\((duration / .microseconds(1)).rounded() / 1_000) ms"
            }
            return "\(name); \(Int(perSecond)) a second; p50 \(milliseconds(p50)), p99 \(milliseconds(p99)) "
                + "(\(count) in \(milliseconds(elapsed)))"
        }

        init(_ name: String, concurrency: Int = 1, elapsed: Duration, latencies: [Duration]) {
            let sorted = latencies.sorted()
            self.name = name
            self.concurrency = concurrency
            self.elapsed = elapsed
            count = sorted.count
            p50 = sorted.isEmpty ? .zero : sorted[sorted.count / 2]
            p99 = sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        }
    }

    /// Sizes of the measurements; the defaults take about ten seconds on two cores.
    public struct Sizes: Sendable {
        public var services = 10_000
        public var changes = 100
        public var questions = 100_000
        /// DNS clients that each wait for an answer before they ask again.
        public var clients = 32

        public init() {}
    }

    let sizes: Sizes
    private let logger: Logger

    public init(sizes: Sizes = Sizes(), logger: Logger) {
        self.sizes = sizes
        self.logger = logger
    }

    /// Runs all measurements, telling of each when it is done.
    /// - Throws: when `nft` isn't there or not allowed (only root is).
    public func run(_ report: (Measurement) -> Void) async throws {
        report(try await DNSBenchmark(questions: sizes.questions, clients: sizes.clients).run())
        try await rules(report)
    }

    private func rules(_ report: (Measurement) -> Void) async throws {
        let instance = "benchmark_\(UInt32.random(in: 0...(.max)))"
        guard let subnet = IPRange("10.244.0.0/16"), let range = IPRange("10.96.0.0/12"),
            let interface = InterfaceName("benchmark0")
        else { return }
        let configuration = NetworkConfiguration(
            instance: instance, podSubnet: subnet, serviceRange: range, apiPort: 6_443, dnsPort: 5_353)
        let kernel = NFTables()
        let clock = ContinuousClock()
        var model = NetworkModel()
        model.attach(subnet[2], NetworkModel.Pod(uid: "benchmark", cluster: 1, interface: interface))
        do {
            var begin = clock.now
            for index in 0..<sizes.services { update(&model, index, endpoints: 2) }
            _ = model.takeChanges()
            try await kernel.apply(configuration.skeleton(holdPorts: [:]).rebuild(model.ruleset.elements))
            let load = clock.now - begin
            report(
                Measurement(
                    "rules of \(sizes.services) services with 2 endpoints, from nothing", elapsed: load, latencies: [load]))
            for (name, endpoints, additional) in [
                ("endpoint added", 3, 0), ("endpoint removed", 2, 0), ("service added", 2, sizes.changes),
            ] {
                var latencies: [Duration] = []
                var known = Set(
                    model.ruleset.elements.compactMap { if case .balancer(let balancer) = $0.value { balancer } else { nil } })
                begin = clock.now
                for change in 0..<sizes.changes {
                    let one = clock.now
                    update(&model, additional > 0 ? sizes.services + change : change, endpoints: endpoints)
                    let diff = model.takeChanges()
                    try await kernel.apply(
                        diff.commands(table: configuration.table, newBalancers: diff.balancers.subtracting(known)))
                    known.formUnion(diff.balancers)
                    latencies.append(clock.now - one)
                }
                report(
                    Measurement("\(name), \(sizes.services) services in place", elapsed: clock.now - begin, latencies: latencies))
            }
            report(try await policies(configuration, kernel))
            report(try await watched(configuration, kernel))
        } catch {
            try await LocalNetwork.removeAll(instance: instance)
            throw error
        }
        try await LocalNetwork.removeAll(instance: instance)
    }

    /// The look whether the table is still there, for which changes wait.
    private func watched(_ configuration: NetworkConfiguration, _ kernel: NFTables) async throws -> Measurement {
        let clock = ContinuousClock()
        var latencies: [Duration] = []
        let begin = clock.now
        for _ in 0..<sizes.changes {
            let one = clock.now
            guard try await kernel.exists(configuration.table) else {
                throw NFTablesError(reason: "the table is gone", commands: "")
            }
            latencies.append(clock.now - one)
        }
        return Measurement(
            "rules looked after, \(sizes.services) services in place", elapsed: clock.now - begin, latencies: latencies)
    }

    private func update(_ model: inout NetworkModel, _ index: Int, endpoints: Int) {
        let address = "10.\(97 + index / 62_500).\(index / 250 % 250).\(index % 250 + 1)"
        let service: JSON = ["spec": ["clusterIP": .string(address), "ports": [["port": 80]]]]
        let slice: JSON = [
            "addressType": "IPv4", "ports": [["port": 8080]],
            "endpoints": .array((0..<endpoints).map { ["addresses": [.string("10.244.1.\($0 + 1)")]] }),
        ]
        model.update(
            ServiceName(namespace: "default", name: "s\(index)"), in: 1, ServiceFacts(service),
            slices: [SliceFacts(slice)].compactMap { $0 })
    }
}
