import Foundation
import KubeObject
import KubeRegistry
import KubeStore
import Logging
import NIOCore
import Subprocess
import Synchronization
import Testing

@testable import KubeNetwork

/// Two clusters on a real kernel: `a1` and `a2` are pods of cluster a, `b1` is one of cluster b, `out` is a machine outside.
/// Everything carries this process's number, and is gone afterwards.
final class NetworkBed: Sendable {
    @TaskLocal static var current: NetworkBed?

    struct Pod: Sendable {
        var name: String
        var address: String
        var cluster: LogicalCluster
        var attached: AttachedPod
        var namespace: NetworkNamespace
    }

    static let tag = "t\(getpid() % 100_000)"
    static let net = "10.251.\(getpid() % 250)"
    static let hostAddress = "203.0.113.1"
    static let outsideAddress = "203.0.113.2"

    let configuration: NetworkConfiguration
    let network: LocalNetwork
    let store: TestStore
    let a: LogicalCluster
    let b: LogicalCluster
    let pods: [String: Pod]
    let outside = NetworkNamespace(name: "sampan-\(NetworkBed.tag)-out")
    let book: PodAddressBook
    /// What is said of clusters, by their name.
    let said: SaidLists

    /// Says something else of a cluster.
    func say(_ lists: NetworkAllowlists, of cluster: LogicalCluster) {
        said.lists.withLock { $0[cluster.name] = lists }
        network.allowlistsChanged()
    }

    var a1: Pod { pods["a1"]! }
    var a2: Pod { pods["a2"]! }
    var b1: Pod { pods["b1"]! }

    /// Whether this machine lets us: otherwise the tests say so by name.
    static var isPossible: Bool {
        getuid() == 0
            && ["nft", "ip"].allSatisfy { tool in
                ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].contains { access("\($0)/\(tool)", X_OK) == 0 }
            }
    }

    static func ip(_ arguments: String, mayFail: Bool = false) async throws {
        let result = try await Subprocess.run(
            .name("ip"), arguments: Arguments(arguments.split(separator: " ").map(String.init)), output: .discarded,
            error: .string(limit: 65_536))
        guard result.terminationStatus.isSuccess || mayFail else {
            throw SocketError(what: "ip \(arguments): \(result.standardError)")
        }
    }

    private static func cable(_ name: String) -> String { "s\(tag)\(name)" }

    /// A pod's end as CNI's `ptp` makes it.
    static func makePod(_ name: String, _ address: String, net: String = NetworkBed.net) async throws -> NetworkNamespace {
        let namespace = "sampan-\(tag)-\(name)"
        let cable = cable(name)
        try await ip("netns add \(namespace)")
        try await ip("link add \(cable) type veth peer name eth0 netns \(namespace)")
        try await ip("address add \(net).1/32 dev \(cable)")
        try await ip("link set \(cable) up")
        try await ip("route add \(address)/32 dev \(cable) scope host")
        try await ip("-n \(namespace) link set lo up")
        try await ip("-n \(namespace) link set eth0 up")
        try await ip("-n \(namespace) address add \(address)/32 dev eth0")
        try await ip("-n \(namespace) route add \(net).1/32 dev eth0 src \(address)")
        try await ip("-n \(namespace) route add default via \(net).1 dev eth0 src \(address)")
        return NetworkNamespace(name: namespace)
    }

    static func removePod(_ name: String) async throws {
        try await ip("link delete \(cable(name))", mayFail: true)
        try await ip("netns delete sampan-\(tag)-\(name)", mayFail: true)
    }

    private init(ports: (api: UInt16, dns: UInt16)) async throws {
        var configuration = NetworkConfiguration(
            instance: Self.tag, podSubnet: IPRange("\(Self.net).0/24")!, serviceRange: IPRange("10.96.0.0/12")!,
            apiPort: ports.api, dnsPort: ports.dns, nodes: MachineNodes(first: "this-node"))
        // Tests may answer there.
        configuration.resolverFile = NSTemporaryDirectory() + "sampan-\(Self.tag)-resolvers"
        try "nameserver \(Self.hostAddress)\n".write(toFile: configuration.resolverFile, atomically: true, encoding: .utf8)
        self.configuration = configuration
        store = try TestStore()
        book = PodAddressBook()
        a = try await store.cluster("a")
        b = try await store.cluster("b")
        let said = SaidLists()
        self.said = said
        network = LocalNetwork(
            configuration: configuration, store: store.store, addresses: book, allowlists: { said.of($0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var pods: [String: Pod] = [:]
        for (name, number, cluster) in [("a1", 11, a), ("a2", 12, a), ("b1", 21, b)] {
            let address = "\(Self.net).\(number)"
            let namespace = try await Self.makePod(name, address)
            let whose = PodAddress(cluster: cluster.id, namespace: "default", name: name, uid: "uid-\(name)")
            pods[name] = Pod(
                name: name, address: address, cluster: cluster,
                attached: AttachedPod(pod: whose, ips: [address], hostInterface: name == "a2" ? "" : Self.cable(name)),
                namespace: namespace)
            book.add(address, whose)
        }
        self.pods = pods
        try await Self.ip("netns add \(outside.name)")
        try await Self.ip("link add \(Self.cable("out")) type veth peer name eth0 netns \(outside.name)")
        try await Self.ip("address add \(Self.hostAddress)/24 dev \(Self.cable("out"))")
        try await Self.ip("link set \(Self.cable("out")) up")
        try await Self.ip("-n \(outside.name) link set lo up")
        try await Self.ip("-n \(outside.name) link set eth0 up")
        try await Self.ip("-n \(outside.name) address add \(Self.outsideAddress)/24 dev eth0")
        try await Self.ip("-n \(outside.name) route add default via \(Self.hostAddress)")
    }

    private static func clean() async throws {
        for name in ["a1", "a2", "b1", "out", "extra", "twin"] { try await removePod(name) }
        try await LocalNetwork.removeAll(instance: tag)
        try await LocalNetwork.removeAll(instance: tag + "-twin")
    }

    /// Sets everything up, with servers: every pod and the machine outside on 8080, the host on the API's port and on 2222.
    static func with(_ body: @escaping @Sendable (NetworkBed) async throws -> Void) async throws {
        let forwarding = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_forward", encoding: .utf8)
        try await clean()
        var servers: [EchoServer] = []
        do {
            let base = UInt16(20_000 + getpid() % 9_000)
            let bed = try await NetworkBed(ports: (base, base + 1))
            for pod in bed.pods.values {
                servers.append(try await pod.namespace.run { try EchoServer(name: pod.name, port: 8_080) })
            }
            servers.append(try await bed.outside.run { try EchoServer(name: "out", port: 8_080) })
            servers.append(try EchoServer(name: "api", port: base))
            servers.append(try EchoServer(name: "management", port: base + 2))
            try await bed.a.put(Objects.namespace("default"))
            try await bed.b.put(Objects.namespace("default"))
            try await withThrowingTaskGroup { group in
                group.addTask { try await bed.network.run() }
                group.addTask {
                    for pod in bed.pods.values.sorted(by: { $0.name < $1.name }) {
                        try await bed.network.podAttached(pod.attached)
                    }
                    try await $current.withValue(bed) { try await body(bed) }
                }
                try await group.next()
                group.cancelAll()
            }
            await bed.store.close()
            try FileManager.default.removeItem(atPath: bed.configuration.resolverFile)
        } catch {
            for server in servers { server.close() }
            try await clean()
            throw error
        }
        for server in servers { server.close() }
        try await clean()
        // Unless another instance has come to need it.
        let tables = try await NFTables().chains()["nftables"]?.elements.compactMap { $0["chain"]?["table"]?.string } ?? []
        if !tables.contains(where: { $0.hasPrefix("sampan_") }) {
            try forwarding.write(toFile: "/proc/sys/net/ipv4/ip_forward", atomically: false, encoding: .utf8)
        }
    }

    /// Another server for the same machine and the same store, as after a restart.
    func anotherNetwork() -> LocalNetwork {
        var other = configuration
        other.dnsPort += 5
        return LocalNetwork(
            configuration: other, store: store.store, addresses: book, allowlists: { [said] in said.of($0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A second instance beside this one, with another range and other ports, over the same store.
    func twin(_ net: String) -> LocalNetwork {
        let twin = NetworkConfiguration(
            instance: Self.tag + "-twin", podSubnet: IPRange("\(net).0/24")!, serviceRange: configuration.serviceRange,
            apiPort: configuration.apiPort + 2, dnsPort: configuration.dnsPort + 6)
        return LocalNetwork(
            configuration: twin, store: store.store, addresses: book,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What a server says to a pod, or why it didn't.
    static func ask(
        _ from: NetworkNamespace?, _ kind: TestSocket.Kind, _ address: String, _ port: UInt16, source: String? = nil,
        timeout: Double = 1
    ) async throws -> String {
        let body: @Sendable () throws -> String = {
            let socket = try TestSocket(kind, timeout: timeout)
            defer { socket.close() }
            do {
                if let source { try socket.bind(source, 0) }
                try socket.connect(address, port)
                if kind == .udp { try socket.send([1]) }
                return String(decoding: try socket.receive(), as: UTF8.self)
            } catch let error as SocketError {
                switch error.code {
                case EAGAIN, EINPROGRESS, ETIMEDOUT: return "silence"
                case ECONNREFUSED: return "refused"
                default: return error.description
                }
            }
        }
        guard let from else { return try body() }
        return try await from.run(body)
    }

    static func eventually(
        _ what: String, _ isSo: @Sendable () async throws -> Bool
    ) async throws {
        for _ in 0..<100 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(what): not within two seconds")
    }
}

/// What is said of clusters' allowlists, for a network to ask.
final class SaidLists: Sendable {
    let lists = Mutex<[String: NetworkAllowlists]>([:])

    func of(_ cluster: LogicalCluster) -> NetworkAllowlists { lists.withLock { $0[cluster.name] } ?? NetworkAllowlists() }
}

/// Gives a suite one bed for all its tests.
struct NetworkBedTrait: SuiteTrait, TestScoping {
    var isRecursive: Bool { false }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        try await withoutActuallyEscaping(function) { function in try await NetworkBed.with { _ in try await function() } }
    }
}
