import KubeObject
import Testing

@testable import KubeNetwork

struct NetworkModelTests {
    private static let nodePort: [JSON] = [["name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080]]

    private func pod(_ uid: String, _ cluster: Int64, _ interface: String) throws -> NetworkModel.Pod {
        NetworkModel.Pod(uid: uid, cluster: cluster, interface: try #require(InterfaceName(interface)))
    }

    private func web(_ model: inout NetworkModel, _ cluster: Int64, _ endpoints: [String]) throws {
        let slice = SliceFacts(Objects.slice(of: "web", endpoints: endpoints.map { Objects.endpoint($0) }))
        model.update(
            ServiceName(namespace: "default", name: "web"), in: cluster, ServiceFacts(Objects.service("web")),
            slices: [try #require(slice)])
    }

    private func expectChanges(_ model: inout NetworkModel, _ isGood: (RulesetDiff) -> Bool) {
        let diff = model.takeChanges()
        #expect(isGood(diff), "\(diff)")
    }

    @Test func `a pod is known by its cable, its address and its cluster`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("u1", 7, "veth1"))
        let changes = model.takeChanges()
        #expect(
            Set(changes.added.map { "\($0.key.set): \($0.text)" }) == [
                "interfaces: \"veth1\"", "pods: \"veth1\" . 10.244.0.2 : 7", "members: 7 . 10.244.0.2",
                "hairpins: 10.244.0.2 . 10.244.0.2",
            ])
        do {
            let wasIn = model.detach("10.244.0.2", uid: "u1")
            #expect(wasIn)
        }
        expectChanges(&model) { $0.removed.count == 4 }
        #expect(model.clusters.isEmpty)
    }

    @Test func `services count only in clusters with pods`() throws {
        var model = NetworkModel()
        try web(&model, 7, ["10.244.0.2"])
        expectChanges(&model) { $0.isEmpty }
        model.attach("10.244.0.2", try pod("u1", 7, "veth1"))
        model.attach("10.244.0.3", try pod("u2", 7, "veth2"))
        try web(&model, 7, ["10.244.0.2", "10.244.0.3"])
        expectChanges(&model) { $0.added.count == 8 + 3 }
        _ = model.detach("10.244.0.2", uid: "u1")
        expectChanges(&model) { $0.removed.count == 4 }
        _ = model.detach("10.244.0.3", uid: "u2")
        expectChanges(&model) { $0.removed.count == 4 + 3 }
        #expect(model.ruleset.count == 0)
    }

    @Test func `a cluster that sleeps keeps its node ports`() throws {
        var model = NetworkModel(nodePorts: 30_000...32_767)
        let name = ServiceName(namespace: "default", name: "web")
        let facts = try #require(ServiceFacts(Objects.service("web", ports: Self.nodePort, extra: ["type": "NodePort"])))
        func update(_ model: inout NetworkModel, _ cluster: Int64, _ endpoints: [String]) throws {
            let slice = SliceFacts(Objects.slice(of: "web", endpoints: endpoints.map { Objects.endpoint($0) }))
            model.update(name, in: cluster, facts, slices: [try #require(slice)])
        }
        func port(_ model: NetworkModel) -> Element.Value? {
            model.ruleset.elements.first { $0.key == .init(set: .nodePorts, text: "tcp . 30080") }?.value
        }
        model.attach("10.244.0.2", try pod("u1", 7, "veth1"))
        try update(&model, 7, ["10.244.0.2"])
        let spread = port(model)
        #expect(spread == .balancer(Balancer(count: 1, choice: .random, table: .nodePorts)))
        // Another cluster wants the port too.
        model.attach("10.244.0.3", try pod("u2", 8, "veth2"))
        try update(&model, 8, ["10.244.0.3"])
        model.hold(7, [name: facts])
        #expect(port(model) == spread, "there is an endpoint still")
        _ = model.detach("10.244.0.2", uid: "u1")
        #expect(port(model) == .hold)
        #expect(model.holder(ofPort: 30_080)?.cluster == 7)
        #expect(model.holder(ofPort: 30_081) == nil)
        #expect(model.populated == [8])
        #expect(model.ruleset.elements.allSatisfy { $0.key.set != .services || $0.key.text.hasPrefix("8 ") })
        // It wakes: its pod is there before its endpoint.
        model.attach("10.244.0.4", try pod("u1", 7, "veth3"))
        try update(&model, 7, [])
        #expect(port(model) == .hold)
        try update(&model, 7, ["10.244.0.4"])
        #expect(port(model) == spread)
        model.settle(7)
        try update(&model, 7, [])
        #expect(model.holder(ofPort: 30_080)?.cluster == 8)
        // One that is deleted asleep leaves nothing.
        try update(&model, 7, ["10.244.0.4"])
        _ = model.detach("10.244.0.3", uid: "u2")
        model.hold(7, [name: facts])
        _ = model.detach("10.244.0.4", uid: "u1")
        #expect(port(model) == .hold)
        model.settle(7)
        #expect(model.ruleset.count == 0)
        #expect(model.clusters.isEmpty)
    }

    @Test func `the server that starts holds the ports of sleeping clusters`() throws {
        var model = NetworkModel(nodePorts: 30_000...32_767)
        let facts = try #require(ServiceFacts(Objects.service("web", ports: Self.nodePort, extra: ["type": "NodePort"])))
        model.hold(7, [ServiceName(namespace: "default", name: "web"): facts])
        #expect(model.ruleset.elements == [Element(.nodePorts, "tcp . 30080", .hold)])
        // A cluster without such ports has nothing to hold.
        model.hold(8, [ServiceName(namespace: "default", name: "web"): try #require(ServiceFacts(Objects.service("web")))])
        #expect(model.clusters.keys.sorted() == [7])
    }

    @Test func `two clusters may have the same service address`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("u1", 1, "veth1"))
        model.attach("10.244.0.3", try pod("u2", 2, "veth2"))
        try web(&model, 1, ["10.244.0.2"])
        try web(&model, 2, ["10.244.0.3"])
        let texts = Set(model.takeChanges().added.map(\.text))
        #expect(texts.contains("1 . 10.96.0.50 . tcp . 80 . 0:0 : 10.244.0.2 . 8080"))
        #expect(texts.contains("2 . 10.96.0.50 . tcp . 80 . 0:0 : 10.244.0.3 . 8080"))
    }

    @Test func `an address goes to the next pod, and its last owner's end doesn't touch it`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("u1", 1, "veth1"))
        _ = model.takeChanges()
        #expect(model.isSuccessor(try pod("u2", 2, "veth2"), at: "10.244.0.2"))
        model.attach("10.244.0.2", try pod("u2", 2, "veth2"))
        let diff = model.takeChanges()
        #expect(diff.added.map(\.text).contains("2 . 10.244.0.2"))
        #expect(diff.removed.map(\.text).contains("1 . 10.244.0.2"))
        #expect(model.clusters.keys.sorted() == [2])
        do {
            let wasIn = model.detach("10.244.0.2", uid: "u1")
            #expect(!wasIn)
        }
        expectChanges(&model) { $0.isEmpty }
    }

    @Test func `a pod taken over after a restart is no newcomer to its address`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("", 1, "veth1"))
        _ = model.takeChanges()
        #expect(!model.isSuccessor(try pod("u1", 1, "veth1"), at: "10.244.0.2"))
        #expect(model.isSuccessor(try pod("u1", 1, "veth2"), at: "10.244.0.2"))
        model.attach("10.244.0.2", try pod("u1", 1, "veth1"))
        expectChanges(&model) { $0.isEmpty }
        do {
            let wasIn = model.detach("10.244.0.2", uid: "u1")
            #expect(wasIn)
        }
    }

    @Test func `a change of one service touches only its elements`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("u1", 1, "veth1"))
        for index in 0..<500 {
            let facts = ServiceFacts(Objects.service("s\(index)", address: "10.97.\(index / 250).\(index % 250)"))
            let slice = try #require(SliceFacts(Objects.slice(of: "s", endpoints: [Objects.endpoint("10.244.0.2")])))
            model.update(ServiceName(namespace: "default", name: "s\(index)"), in: 1, facts, slices: [slice])
        }
        _ = model.takeChanges()
        try web(&model, 1, ["10.244.0.2"])
        expectChanges(&model) { $0.added.count == 2 }
        try web(&model, 1, ["10.244.0.2", "10.244.0.3"])
        let diff = model.takeChanges()
        #expect(diff.added.count == 2 && diff.removed.count == 1)
    }

    @Test func `marks are the clusters' ids as long as they fit`() throws {
        var model = NetworkModel()
        model.attach("10.244.0.2", try pod("u1", 5, "veth1"))
        model.attach("10.244.0.3", try pod("u2", 5 + 1 << 32, "veth2"))
        model.attach("10.244.0.4", try pod("u3", 1 << 32, "veth3"))
        let marks = [5, 5 + 1 << 32, 1 << 32].map { model.clusters[$0]?.mark.number }
        #expect(marks.first == 5)
        #expect(Set(marks).count == 3 && !marks.contains(0) && !marks.contains(nil))
    }

    @Test(arguments: ["", "veth1; drop", "a\"b", "abcdefghijklmnop", "veth 1", "vethé"])
    func `odd interface names are refused`(_ name: String) {
        #expect(InterfaceName(name) == nil)
    }
}
