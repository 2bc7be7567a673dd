import Foundation
import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Synchronization
import Testing

@testable import KubeNetwork

/// A kernel that remembers what it was told, and refuses on demand.
final class RecordingRunner: RuleRunner {
    private let state = Mutex<(commands: [String], refusals: Int, exists: Bool, pods: [AdmittedPod])>(([], 0, true, []))

    var commands: [String] { state.withLock { $0.commands } }
    func refuse(_ times: Int) { state.withLock { $0.refusals = times } }
    func lose() { state.withLock { $0.exists = false } }
    func admit(_ pods: [AdmittedPod]) { state.withLock { $0.pods = pods } }

    func apply(_ commands: String) async throws(NFTablesError) {
        let isRefused = state.withLock { state in
            guard state.refusals == 0 else {
                state.refusals -= 1
                return true
            }
            state.commands.append(commands)
            state.exists = true
            return false
        }
        if isRefused { throw NFTablesError(reason: "refused by the test", commands: commands) }
    }

    func admittedPods(_ table: TableName) async throws(NFTablesError) -> [AdmittedPod] { state.withLock { $0.pods } }
    func exists(_ table: TableName) async throws(NFTablesError) -> Bool { state.withLock { $0.exists } }
}

/// A store in a directory of its own.
struct TestStore {
    let directory: String
    let store: Store
    static let base = Base(version: "test", objects: [])

    init() throws {
        directory = NSTemporaryDirectory() + "sampan-network-\(UUID().uuidString)"
        store = try Store.open(directory: directory, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func cluster(_ name: String) async throws -> LogicalCluster {
        try await store.createCluster(name, uid: UUID().uuidString, base: Self.base)
    }

    func close() async {
        await store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }
}

extension LogicalCluster {
    func put(_ objects: JSON...) async throws {
        _ = try await commit(objects.map { Write(key: Self.key(of: $0), kind: .put(try Draft($0))) })
    }

    func delete(_ object: JSON) async throws {
        _ = try await commit([Write(key: Self.key(of: object), kind: .delete)])
    }

    private static func key(_ group: String, _ plural: String, _ object: JSON) -> Key {
        Key(
            group: group, plural: plural, namespace: object[path: "metadata", "namespace"]?.string ?? "",
            name: object[path: "metadata", "name"]?.string ?? "")
    }

    private static func key(of object: JSON) -> Key {
        switch object["kind"]?.string {
        case "Service": key("core", "services", object)
        case "EndpointSlice": key("discovery.k8s.io", "endpointslices", object)
        case "Namespace": key("core", "namespaces", object)
        case "Pod": key("core", "pods", object)
        case "NetworkPolicy": key("networking.k8s.io", "networkpolicies", object)
        default: key("core", "configmaps", object)
        }
    }
}

struct RuleKeeperTests {
    private let configuration = NetworkConfiguration(
        instance: "test", podSubnet: IPRange("10.244.0.0/16")!, serviceRange: IPRange("10.96.0.0/12")!, apiPort: 6443,
        dnsPort: 5353)

    /// Runs a keeper with a kernel made up, and a store that's real.
    private func run(
        _ runner: RecordingRunner = RecordingRunner(), nodePorts: NodePortBook? = nil,
        _ body: (RuleKeeper, RecordingRunner, TestStore, FilterList) async throws -> Void
    ) async throws {
        let store = try TestStore()
        let forgotten = FilterList()
        let keeper = RuleKeeper(
            configuration: configuration, store: store.store, nodePorts: nodePorts, runner: runner,
            forget: { forgotten.append($0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        store.store.observe { keeper.observe($0) }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await keeper.run() }
            try await body(keeper, runner, store, forgotten)
            group.cancelAll()
        }
        await store.close()
    }

    private func attach(_ keeper: RuleKeeper, _ address: IPAddress, _ cluster: Int64, uid: String = "u") async throws {
        let pod = NetworkModel.Pod(
            uid: uid, cluster: cluster, interface: try #require(InterfaceName("veth\(address.octets.last ?? 0)")))
        try await withCheckedThrowingContinuation { keeper.orders.post(.attach(address, pod, $0)) }
    }

    private func detach(_ keeper: RuleKeeper, _ address: IPAddress, uid: String = "u") async throws {
        try await withCheckedThrowingContinuation { keeper.orders.post(.detach(address, uid: uid, $0)) }
    }

    private func eventually(_ what: String, _ isSo: () -> Bool) async throws {
        for _ in 0..<2_500 where !isSo() { try await Task.sleep(for: .milliseconds(2)) }
        #expect(isSo(), "\(what)")
    }

    private let slice = Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.2")])

    @Test func `a pod is let in with its cluster's services before attaching returns`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await cluster.put(Objects.service("web"), slice)
            try await attach(keeper, "10.244.0.2", cluster.id)
            let last = try #require(runner.commands.last)
            #expect(last.contains("\"veth2\" . 10.244.0.2 : \(cluster.id)"))
            #expect(last.contains("\(cluster.id) . 10.96.0.50 . tcp . 80 : goto spread_1"))
        }
    }

    @Test func `changes of services reach the kernel, and only of clusters with pods`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            let idle = try await store.cluster("idle")
            try await attach(keeper, "10.244.0.2", cluster.id)
            try await idle.put(Objects.service("web"), slice)
            try await cluster.put(Objects.service("web"), slice)
            try await eventually("added") { runner.commands.last?.contains("goto spread_1") == true }
            try await cluster.delete(slice)
            try await eventually("removed") { runner.commands.last?.contains("delete element inet sampan_test services") == true }
            #expect(!runner.commands.contains { $0.contains("\(idle.id) . 10.96.0.50") })
        }
    }

    @Test func `a slice that changes hands changes both services`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await cluster.put(Objects.service("web"), Objects.service("api", address: "10.96.0.60"), slice)
            try await attach(keeper, "10.244.0.2", cluster.id)
            var moved = slice
            moved[path: "metadata", "labels", "kubernetes.io/service-name"] = "api"
            try await cluster.put(moved)
            try await eventually("moved") {
                let last = runner.commands.last ?? ""
                return last.contains("delete element inet sampan_test services { \(cluster.id) . 10.96.0.50")
                    && last.contains("add element inet sampan_test services { \(cluster.id) . 10.96.0.60")
            }
        }
    }

    @Test func `the last pod's end takes the cluster's services out, and its address is forgotten`() async throws {
        try await run { keeper, runner, store, forgotten in
            let cluster = try await store.cluster("a")
            try await cluster.put(Objects.service("web"), slice)
            try await attach(keeper, "10.244.0.2", cluster.id)
            #expect(forgotten.value.isEmpty)
            try await detach(keeper, "10.244.0.2")
            let last = try #require(runner.commands.last)
            for set in [RuleSet.interfaces, .pods, .members, .hairpins, .services, .endpoints] {
                #expect(last.contains("delete element inet sampan_test \(set.rawValue) "), "\(set)")
            }
            try await eventually("forgotten") { Set(forgotten.value) == Set(Conntrack.Filter.pod("10.244.0.2")) }
            #expect(!keeper.clusters.contains(cluster.id))
        }
    }

    @Test func `refused rules are answered by building the table anew`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await attach(keeper, "10.244.0.2", cluster.id)
            runner.refuse(1)
            try await attach(keeper, "10.244.0.3", cluster.id)
            let last = try #require(runner.commands.last)
            #expect(last.hasPrefix("add table inet sampan_test\ndelete table inet sampan_test\n"))
            #expect(last.contains("10.244.0.2") && last.contains("10.244.0.3"))
        }
    }

    @Test func `a pod isn't let in while the kernel refuses everything, and is when it's asked again`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await attach(keeper, "10.244.0.2", cluster.id)
            runner.refuse(2)
            await #expect(throws: NFTablesError.self) { try await attach(keeper, "10.244.0.3", cluster.id) }
            try await attach(keeper, "10.244.0.3", cluster.id)
            #expect(runner.commands.last?.contains("10.244.0.3") == true)
        }
    }

    @Test func `chains that nobody uses any more don't pile up`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await cluster.put(slice)
            try await attach(keeper, "10.244.0.2", cluster.id)
            for seconds in 1...600 {
                let before = runner.commands.count
                try await cluster.put(
                    Objects.service(
                        "web",
                        extra: [
                            "sessionAffinity": "ClientIP",
                            "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": .int(Int64(seconds))]],
                        ]))
                try await eventually("change \(seconds)") { runner.commands.count > before }
            }
            #expect(runner.commands.filter { $0.hasPrefix("add table") }.count == 2)
        }
    }

    @Test func `a table that somebody removed comes back`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await attach(keeper, "10.244.0.2", cluster.id)
            runner.lose()
            keeper.orders.post(.check)
            try await eventually("rebuilt") { runner.commands.filter { $0.hasPrefix("add table") }.count == 2 }
            #expect(runner.commands.last?.contains("10.244.0.2") == true)
        }
    }

    @Test func `pods of an earlier run keep their network until they're found again`() async throws {
        let runner = RecordingRunner()
        let loopback = try #require(InterfaceName("lo"))
        let gone = try #require(InterfaceName("nosuchveth"))
        // The first cluster of a store has the id 1.
        runner.admit([
            AdmittedPod(address: "10.244.0.2", interface: loopback, mark: ClusterMark(number: 1)),
            AdmittedPod(address: "10.244.0.3", interface: gone, mark: ClusterMark(number: 1)),
            AdmittedPod(address: "10.244.0.4", interface: loopback, mark: ClusterMark(number: 999)),
        ])
        let store = try TestStore()
        let cluster = try await store.cluster("a")
        try await cluster.put(Objects.service("web"), slice)
        #expect(cluster.id == 1)
        let forgotten = FilterList()
        let keeper = RuleKeeper(
            configuration: configuration, store: store.store, runner: runner,
            forget: { forgotten.append($0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await keeper.run() }
            try await eventually("adopted") { !runner.commands.isEmpty }
            let first = try #require(runner.commands.first)
            #expect(first.contains("\"lo\" . 10.244.0.2 : 1") && first.contains("1 . 10.96.0.50 . tcp . 80 : goto spread_1"))
            #expect(!first.contains("10.244.0.3") && !first.contains("10.244.0.4"))
            let pod = NetworkModel.Pod(uid: "u", cluster: 1, interface: loopback)
            try await withCheckedThrowingContinuation { keeper.orders.post(.attach("10.244.0.2", pod, $0)) }
            #expect(runner.commands.count == 1)
            #expect(forgotten.value.isEmpty)
            group.cancelAll()
        }
        await store.close()
    }

    @Test func `a pod is let in with its policies in the same transaction`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            let pod: JSON = [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["name": "p", "namespace": "default", "uid": "u", "labels": ["app": "web"]], "spec": [:],
            ]
            let policy: JSON = [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": ["name": "shut", "namespace": "default"],
                "spec": ["podSelector": ["matchLabels": ["app": "web"]], "policyTypes": ["Ingress"]],
            ]
            try await cluster.put(pod, policy, Objects.namespace("default"))
            let entry = NetworkModel.Pod(
                uid: "u", cluster: cluster.id, interface: try #require(InterfaceName("veth2")), namespace: "default", name: "p")
            try await withCheckedThrowingContinuation { keeper.orders.post(.attach("10.244.0.2", entry, $0)) }
            let text = try #require(runner.commands.last)
            #expect(text.contains("interfaces { \"veth2\" }") && text.contains("isolated_in { 10.244.0.2 : goto policy_in_1 }"))
            try await cluster.delete(policy)
            try await eventually("opened") {
                runner.commands.last?.contains("delete element inet sampan_test isolated_in") == true
            }
        }
    }

    @Test func `who chooses node ports is told which are held`() async throws {
        let book = NodePortBook()
        try await run(nodePorts: book) { keeper, _, store, _ in
            let cluster = try await store.cluster("a")
            let ports: [JSON] = [["name": "http", "port": 80, "protocol": "TCP", "nodePort": 31234]]
            let service = Objects.service("web", ports: ports, extra: ["type": "NodePort"])
            try await cluster.put(service, Objects.slice(of: "web", endpoints: [Objects.endpoint("10.244.0.2")]))
            try await attach(keeper, "10.244.0.2", cluster.id)
            #expect(book.isHeld(31234) && !book.isHeld(31235))
            try await detach(keeper, "10.244.0.2")
            #expect(!book.isHeld(31234))
        }
    }

    @Test func `a pod of no cluster isn't let in`() async throws {
        try await run { keeper, _, _, _ in
            await #expect(throws: UnknownCluster.self) { try await attach(keeper, "10.244.0.2", 77) }
        }
    }

    @Test func `a network that can't start keeps nobody waiting, and says why`() async throws {
        let store = try TestStore()
        var bad = configuration
        bad.serviceRange = IPRange("10.0.0.0/8")!
        let network = LocalNetwork(
            configuration: bad, store: store.store, addresses: PodAddressBook(), runner: RecordingRunner(), forget: { _ in },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let whose = PodAddress(cluster: 1, namespace: "default", name: "p", uid: "u")
        let attached = Task {
            try await network.podAttached(AttachedPod(pod: whose, ips: ["10.244.0.2"], hostInterface: "veth1"))
        }
        await #expect(throws: BadNetworkConfiguration.self) { try await network.run() }
        await #expect(throws: NetworkStopped.self) { try await attached.value }
        await store.close()
    }

    @Test func `nobody waits for a keeper that has stopped`() async throws {
        try await run { keeper, _, _, _ in
            keeper.orders.close()
            await #expect(throws: NetworkStopped.self) { try await attach(keeper, "10.244.0.2", 1) }
        }
    }

    @Test func `many changes at once make few transactions`() async throws {
        try await run { keeper, runner, store, _ in
            let cluster = try await store.cluster("a")
            try await attach(keeper, "10.244.0.2", cluster.id)
            let before = runner.commands.count
            for index in 0..<200 {
                let name = "s\(index)"
                try await cluster.put(
                    Objects.service(name, address: "10.97.0.\(index)"),
                    Objects.slice(of: name, endpoints: [Objects.endpoint("10.244.0.2")]))
            }
            // They come in order, so the last one's being there says that all are.
            try await eventually("all there") { runner.commands.last?.contains("10.97.0.199 . tcp . 80 : goto") == true }
            let text = Substring(runner.commands.joined())
            for index in 0..<200 { #expect(text.contains("10.97.0.\(index) . tcp . 80 : goto"), "\(index)") }
            #expect(runner.commands.count - before < 200)
        }
    }
}

/// A list that several tasks add to.
final class FilterList: Sendable {
    private let filters = Mutex<[Conntrack.Filter]>([])
    var value: [Conntrack.Filter] { filters.withLock { $0 } }
    func append(_ more: Set<Conntrack.Filter>) { filters.withLock { $0 += more } }
}
