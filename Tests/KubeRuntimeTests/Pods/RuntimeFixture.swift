import Glibc
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import Testing

@testable import KubeRuntime

/// A whole node: store, registry, engine and runtime in a directory of their own, with one cluster and a busybox image.
struct RuntimeFixture: Sendable {
    static let image = "docker.io/library/busybox:test"

    let registry: Registry
    let cluster: LogicalCluster
    let runtime: LocalRuntime
    let addresses: PodAddressBook
    let admin: RequestContext
    let log: NetworkLog

    @discardableResult
    func create(_ yaml: String, namespace: String = "default") async throws -> JSON {
        let tree = try #require(try YAML.parse(Array(yaml.utf8)).first)
        let kind = GroupVersion(apiVersion: tree["apiVersion"]?.string ?? "").kind(tree["kind"]?.string ?? "")
        let resource = try #require(registry.schema.resource(forKind: kind))
        return try await registry.create(tree, resource, namespace: namespace, CreateOptions(), admin).answer.object?.tree
            ?? .null
    }

    /// Creates a pod of one busybox container that runs a shell script.
    func pod(_ name: String, _ script: String, restart: String = "Never", more: String = "", container: String = "") async throws
    {
        let lines = script.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n")
        try await create(
            """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
              labels: {app: \(name)}
            spec:
              nodeName: \(runtime.node.names.first)
              restartPolicy: \(restart)
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 2
            \(more)
              containers:
              - name: main
                image: busybox:test
                command: [/bin/sh, -c]
                args:
                - |
            \(lines)
            \(container)
            """)
    }

    func get(_ plural: String, _ name: String) throws -> Object? {
        cluster.snapshot.get(Key(group: "core", plural: plural, namespace: "default", name: name))
    }

    func status(_ name: String) throws -> JSON { try get("pods", name)?.tree["status"] ?? .null }

    /// Waits until the pod's status satisfies the condition, and returns it.
    @discardableResult
    func wait(
        _ name: String, _ what: String, seconds: Double = 60, _ condition: (JSON) -> Bool,
        location: SourceLocation = #_sourceLocation
    ) async throws -> JSON {
        let end = Timestamp.seconds + seconds
        while Timestamp.seconds < end {
            let status = try self.status(name)
            if condition(status) { return status }
            try await Task.sleep(for: .milliseconds(10))
        }
        let status = try self.status(name)
        Issue.record("waited \(seconds) s in vain for \(name): \(what). Its status: \(status.text)", sourceLocation: location)
        throw CancellationError()
    }

    func waitForPhase(_ name: String, _ phase: String, location: SourceLocation = #_sourceLocation) async throws -> JSON {
        try await wait(name, "phase \(phase)", { $0["phase"]?.string == phase }, location: location)
    }

    func waitUntilGone(_ name: String) async throws {
        let end = Timestamp.seconds + 60
        while try get("pods", name) != nil, Timestamp.seconds < end { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try get("pods", name) == nil)
    }

    func delete(_ name: String) async throws {
        _ = try await registry.delete(registry.resource("pods"), namespace: "default", name: name, DeleteOptions(), admin)
    }

    func logs(_ name: String, _ options: LogOptions = LogOptions()) async throws -> String {
        let pod = try #require(try get("pods", name))
        let source = try await runtime.logs(PodTarget(cluster: cluster, pod: pod), container: "main", options: options)
        var bytes: [UInt8] = []
        for try await chunk in source { bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    func events(_ name: String) -> [String] {
        cluster.snapshot.list(prefix: Key.prefix(group: "core", plural: "events", namespace: "default")).map(\.tree)
            .filter { $0[path: "involvedObject", "name"]?.string == name }.map { $0["reason"]?.string ?? "" }
    }
}

/// Remembers who came into the network and left it.
actor NetworkLog: PodNetworkObserver {
    private(set) var attached: [String] = []
    private(set) var detached: [String] = []

    func podAttached(_ pod: AttachedPod) { attached.append(pod.pod.name) }
    func podDetached(_ pod: AttachedPod) { detached.append(pod.pod.name) }
}

/// Runs `body` with a node; `restart` may be called in it to stop the runtime (not the engine) and start another one.
func withRuntime(
    _ name: String, subnet: String, admission: @escaping PodAdmission = { _, _, _, _ in nil },
    _ body: @escaping @Sendable (RuntimeFixture) async throws -> Void,
    afterRestart: (@Sendable (RuntimeFixture) async throws -> Void)? = nil
) async throws {
    try await withEngine(name, subnet: subnet) { engine in
        try await ImageStore(engine: engine).loadBusybox()
        var logger = Logger(label: name)
        logger.logLevel = .warning
        let store = try Store.open(directory: engine.options.dataDirectory + "/store", logger: logger)
        let registry = Registry(store: store)
        let cluster = try await registry.createCluster("demo", record: [:], certificateAuthority: "PEM")
        do {
            try await runNode(engine, registry, cluster, admission, logger, body)
            if let afterRestart { try await runNode(engine, registry, cluster, admission, logger, afterRestart) }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

private func runNode(
    _ engine: ContainerEngine, _ registry: Registry, _ cluster: LogicalCluster, _ admission: @escaping PodAdmission,
    _ logger: Logger, _ body: @escaping @Sendable (RuntimeFixture) async throws -> Void
) async throws {
    let addresses = PodAddressBook()
    let log = NetworkLog()
    // The engine of the caller holds the connection; the runtime gets one of its own, as a new process would.
    let own = try ContainerEngine(options: engine.options, logger: logger)
    let runtime = LocalRuntime(
        engine: own, options: RuntimeOptions(nodeName: "node"), registry: registry, addresses: addresses, network: log,
        admission: admission, logger: logger)
    let fixture = RuntimeFixture(
        registry: registry, cluster: cluster, runtime: runtime, addresses: addresses,
        admin: RequestContext(cluster: cluster, user: UserInfo(name: "admin", groups: ["system:masters"])), log: log)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await runtime.run() }
        group.addTask { try await body(fixture) }
        do { try await group.next() } catch {
            group.cancelAll()
            throw error
        }
        group.cancelAll()
        while true {
            do { guard try await group.next() != nil else { break } } catch is CancellationError { continue }
        }
    }
}

extension ImageStore {
    func loadBusybox() async throws {
        let archive = try #require(
            try busyboxArchive(name: RuntimeFixture.image), "needs busybox-static (apt-get install busybox-static)")
        let path = engine.options.dataDirectory + "/busybox.tar"
        try File.write(archive.bytes, to: path)
        try await load(archive: path)
    }
}
