import FoundationEssentials
import KubeClient
import KubeObject
import Synchronization

/// The instance that is measured, as its administrator and as anybody.
final class BenchServer: Sendable {
    let api: PlatformAPI
    /// Whoever asks without a credential.
    let visitor: KubeClient
    /// Its process.
    let load: ServerLoad
    private let prefix = "b\(UInt16.random(in: 0 ... .max))-"
    private let made = Atomic<Int>(0)

    init(_ configuration: Configuration) throws {
        load = ServerLoad(processes: try InstanceLock.holder(path: configuration.lockPath).map { [$0] } ?? [])
        api = try PlatformAPI(client: KubeClient(ClientConfiguration(kubeconfig: configuration.adminKubeconfigPath)))
        var anybody = try ClientConfiguration(kubeconfig: configuration.adminKubeconfigPath)
        anybody.credentials = .anonymous
        if let path = anybody.server.firstRange(of: "/clusters/") { anybody.server = String(anybody.server[..<path.lowerBound]) }
        visitor = try KubeClient(anybody)
    }

    /// Runs `body` with the instance's server.
    static func with(_ configuration: Configuration, _ body: (BenchServer) async throws -> Void) async throws {
        let server = try BenchServer(configuration)
        do {
            try await body(server)
        } catch {
            try await server.shutdown()
            throw error
        }
        try await server.shutdown()
    }

    private func shutdown() async throws {
        try await visitor.shutdown()
        try await api.client.shutdown()
    }

    /// Makes a virtual cluster's object, and doesn't wait for the cluster.
    func create() async throws -> String {
        let name = prefix + String(made.add(1, ordering: .relaxed).newValue)
        let object: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": .string(name)], "spec": [:],
        ]
        _ = try await api.client.create(object, at: api.path())
        return name
    }

    /// The names of the clusters that `create` made.
    var names: [String] { (1...max(made.load(ordering: .relaxed), 1)).map { prefix + String($0) } }

    /// Creates what is missing until `goal` clusters are there and answer.
    func fill(_ goal: Int) async throws {
        let missing = max(goal - made.load(ordering: .relaxed), 0)
        guard missing > 0 else { return }
        BenchCommand.print(
            try await Measurement.take("fill to \(goal)", count: missing, concurrency: 16) { [self] _ in _ = try await create() })
        while try await gauge("sampan_clusters") <= goal { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// A number of the root cluster's `/metrics`.
    func gauge(_ name: String) async throws -> Int {
        let page = String(decoding: try await api.client.send("GET", "/metrics"), as: UTF8.self)
        let line = page.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        guard let value = line.flatMap({ Int($0.dropFirst(name.count + 1)) }) else {
            throw CommandFailure("The server's metrics don't have \(name).")
        }
        return value
    }
}
