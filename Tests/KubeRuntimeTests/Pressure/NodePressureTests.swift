import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct NodePressureTests {
    @Test func readsKubeletsSyntax() throws {
        #expect(
            try EvictionThreshold.parse("memory.available<1.5Gi, nodefs.available<10%,pid.available<0%") == [
                EvictionThreshold(.memory, .amount(1536 << 20)), EvictionThreshold(.nodeDisk, .percentage(10)),
            ])
        #expect(try EvictionThreshold.parse("").isEmpty)
        let standard =
            "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%"
        #expect(try EvictionThreshold.parse(standard) == EvictionThreshold.standard)
    }

    @Test(arguments: [
        "memory", "memory.available>1Mi", "memory.available<", "<1Mi", "cpu.available<1", "memory.available<-1",
        "memory.available<x",
        "memory.available<120%", "memory.available<-1%", "memory.available<1Mi,memory.available<2Mi", "memory.available<1<2",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(throws: ObjectError.self) { try EvictionThreshold.parse(text) }
    }

    private func reading(memory: Int64 = 1 << 30, disk: Int64 = 50) -> MachineReading {
        MachineReading(amounts: [
            .memory: .init(available: memory, capacity: 1 << 30), .nodeDisk: .init(available: disk, capacity: 100),
        ])
    }

    private let thresholds = [EvictionThreshold(.nodeDisk, .percentage(10)), EvictionThreshold(.memory, .amount(100 << 20))]

    @Test func crossesBelowTheThresholdAndNotAtIt() {
        var pressure = NodePressure(thresholds: thresholds, transition: 300)
        #expect(pressure.crossings(reading(memory: 100 << 20, disk: 10), now: 0).isEmpty)
        let crossed = pressure.crossings(reading(memory: 100 << 20 - 1024, disk: 9), now: 0)
        #expect(crossed.map(\.isDue) == [true, true])
        #expect(crossed.map(\.threshold.signal) == [.memory, .nodeDisk])
        #expect(crossed.first?.text == "Threshold quantity: 100Mi, available: 102399Ki. ")
        // What can't be measured crosses nothing.
        #expect(pressure.crossings(MachineReading(), now: 0).isEmpty)
    }

    @Test func softThresholdsMustBeCrossedForAWhile() {
        var pressure = NodePressure(
            thresholds: [
                EvictionThreshold(.nodeDisk, .amount(10)), EvictionThreshold(.nodeDisk, .amount(20), grace: 30),
            ], transition: 0)
        var crossed = pressure.crossings(reading(disk: 15), now: 100)
        #expect(crossed.map(\.isDue) == [false])
        #expect(pressure.conditions(crossed, now: 100) == [.disk], "the node says it at once")
        #expect(pressure.crossings(reading(disk: 15), now: 129).map(\.isDue) == [false])
        // In between it wasn't so.
        #expect(pressure.crossings(reading(disk: 20), now: 129.5).isEmpty)
        #expect(pressure.crossings(reading(disk: 15), now: 130).map(\.isDue) == [false])
        crossed = pressure.crossings(reading(disk: 15), now: 160)
        #expect(crossed.map(\.isDue) == [true])
        // The hard one doesn't wait.
        #expect(pressure.crossings(reading(disk: 9), now: 161).map(\.isDue) == [true, true])
    }

    @Test func whatHadPodsGoIsOverWhenThereIsTheReclaimToo() {
        var pressure = NodePressure(
            thresholds: [EvictionThreshold(.nodeDisk, .amount(10), reclaim: .percentage(5))], transition: 0)
        #expect(pressure.crossings(reading(disk: 12), now: 0).isEmpty)
        #expect(pressure.crossings(reading(disk: 9), now: 1).count == 1)
        let still = pressure.crossings(reading(disk: 14), now: 2)
        #expect(still.map(\.text) == ["Threshold quantity: 10, available: 14. "])
        #expect(pressure.crossings(reading(disk: 15), now: 3).isEmpty)
        #expect(pressure.crossings(reading(disk: 12), now: 4).isEmpty)
    }

    private func settings(
        hard: String? = "", soft: String = "", graces: String = "", reclaims: String = ""
    ) throws -> EvictionSettings {
        try EvictionSettings(hard: hard, soft: soft, graces: graces, reclaims: reclaims, mostGrace: 5, transition: 1)
    }

    @Test func readsSoftThresholdsAsKubelet() throws {
        let found = try settings(
            hard: "memory.available<100Mi", soft: "memory.available<1Gi,nodefs.available<20%",
            graces: "memory.available=1m30s, nodefs.available=0s,pid.available=1s",
            reclaims: "memory.available=64Mi,nodefs.available=5%")
        #expect(
            found.thresholds == [
                EvictionThreshold(.memory, .amount(100 << 20), reclaim: .amount(64 << 20)),
                EvictionThreshold(.memory, .amount(1 << 30), grace: 90, reclaim: .amount(64 << 20)),
                EvictionThreshold(.nodeDisk, .percentage(20), grace: 0, reclaim: .percentage(5)),
            ])
        #expect(found.mostGrace == 5)
        #expect(try settings(hard: nil).thresholds == EvictionThreshold.standard)
    }

    @Test(arguments: [
        ("memory.available<1Gi", "", "", "grace period must be specified for the soft eviction threshold memory.available"),
        ("memory.available<1Gi", "memory.available=x", "", "isn't a duration"),
        ("memory.available<1Gi", "memory.available=-1s", "", "must be a positive value"),
        ("memory.available<1Gi", "memory.available", "", "isn't SIGNAL=VALUE"),
        ("", "cpu.available=1s", "", "unsupported eviction signal cpu.available"),
        ("", "", "memory.available=-1Mi", "negative eviction minimum reclaim specified for memory.available"),
        ("", "", "memory.available=0%", "must be positive"), ("", "", "memory.available=1,memory.available=2", "given twice"),
    ])
    func refusesSoftThresholdsThatAreNone(_ soft: String, _ graces: String, _ reclaims: String, _ why: String) {
        let error = #expect(throws: ObjectError.self) { _ = try settings(soft: soft, graces: graces, reclaims: reclaims) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(why))
    }

    @Test func conditionsStayForTheTransition() {
        var pressure = NodePressure(thresholds: thresholds, transition: 300)
        let crossed = pressure.crossings(reading(disk: 9), now: 1000)
        #expect(pressure.conditions(crossed, now: 1000) == [.disk])
        #expect(pressure.conditions([], now: 1299) == [.disk])
        #expect(pressure.conditions([], now: 1300) == [])
        var hasty = NodePressure(thresholds: thresholds, transition: 0)
        #expect(hasty.conditions(crossed, now: 1000) == [.disk])
        #expect(hasty.conditions([], now: 1000.1) == [])
    }

    @Test func readsTheKernelsTables() {
        let table = "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable: 900 kB\nActive(file): 50 kB\nInactive(file):  30 kB\n"
        #expect(MachineReading.memory(table) == .init(available: 130 * 1024, capacity: 1000 * 1024))
        #expect(MachineReading.memory("") == nil)
        #expect(MachineReading.processes(load: "0.1 0.2 0.3 2/345 999\n", most: 1000) == .init(available: 655, capacity: 1000))
        #expect(MachineReading.processes(load: "", most: 1000) == nil)
    }

    // MARK: Who goes

    private typealias Candidate = PressureRanking.Candidate

    private func order(_ candidates: [Candidate], by signal: EvictionSignal = .memory) -> [String] {
        PressureRanking.order(candidates, by: signal).map(\.uid)
    }

    @Test func inOneClusterTheOrderIsKubelets() {
        #expect(
            order([
                Candidate(uid: "modest", cluster: 1, used: 90, requested: 100),
                Candidate(uid: "important", cluster: 1, priority: 10, used: 1000),
                Candidate(uid: "small", cluster: 1, used: 30, requested: 20),
                Candidate(uid: "large", cluster: 1, used: 500, requested: 400),
                Candidate(uid: "critical", cluster: 1, priority: 2_000_000_000, isCritical: true, used: 5000),
            ]) == ["large", "small", "important", "modest", "critical"])
    }

    @Test func nobodyAsksForProcesses() {
        #expect(
            order(
                [
                    Candidate(uid: "important", cluster: 1, priority: 10, used: 100), Candidate(uid: "few", cluster: 1, used: 0),
                    Candidate(uid: "many", cluster: 1, used: 50),
                ], by: .processes) == ["many", "few", "important"])
    }

    @Test func theClusterThatTookTheMostGoesFirst() {
        #expect(
            order([
                Candidate(uid: "a1", cluster: 1, used: 600, requested: 100),
                // Priorities say nothing between clusters.
                Candidate(uid: "b1", cluster: 2, priority: 1_000_000, used: 400),
                Candidate(uid: "b2", cluster: 2, priority: 2_000_000_000, isCritical: true, used: 400),
            ]) == ["b1", "b2", "a1"])
        #expect(
            order([
                Candidate(uid: "asked", cluster: 1, used: 5000, requested: 5000), Candidate(uid: "took", cluster: 2, used: 1),
            ]) == ["took", "asked"])
    }

    private func pod(_ spec: String, quality: String = "BestEffort") throws -> Pod {
        var tree: JSON = [
            "metadata": ["name": "p", "namespace": "default", "uid": "u"], "status": ["qosClass": .string(quality)],
        ]
        tree["spec"] = try YAML.parse(Array(spec.utf8)).first
        return Pod(tree: tree, metadata: try Metadata(of: tree))
    }

    @Test func saysWhoUsedHowMuch() throws {
        let crossing = NodePressure.Crossing(
            threshold: EvictionThreshold(.memory, .amount(100 << 20)), amount: .init(available: 93 << 20, capacity: 1 << 30))
        let pod = try pod(
            "{containers: [{name: a}, {name: b, resources: {requests: {memory: 64Mi}}}, {name: c, resources: {requests: {memory: 1Mi}}}]}"
        )
        let use = PressureUse(total: 0, containers: ["a": 3 << 20, "b": 64 << 20, "c": 5 << 20])
        #expect(
            PressureUse.message(crossing, pod, use)
                == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 93Mi. Container a was using 3Mi, request is 0, has larger consumption of memory. Container c was using 5Mi, request is 1Mi, has larger consumption of memory. "
        )
    }

    // MARK: Who comes

    @Test func underPressureFewAreTaken() throws {
        let plain = "{containers: [{name: a}]}"
        #expect(PressureCondition.rejection(of: try pod(plain), under: []) == nil)
        #expect(
            PressureCondition.rejection(of: try pod(plain), under: [.memory])
                == PodRejection(reason: "Evicted", message: "The node had condition: [MemoryPressure]. "))
        #expect(PressureCondition.rejection(of: try pod(plain, quality: "Burstable"), under: [.memory]) == nil)
        let tolerant =
            "{containers: [{name: a}], tolerations: [{key: node.kubernetes.io/memory-pressure, operator: Exists, effect: NoSchedule}]}"
        #expect(PressureCondition.rejection(of: try pod(tolerant), under: [.memory]) == nil)
        #expect(
            PressureCondition.rejection(of: try pod(tolerant, quality: "Guaranteed"), under: [.disk, .memory])?.message
                == "The node had condition: [MemoryPressure DiskPressure]. ")
        #expect(PressureCondition.rejection(of: try pod("{priority: 2000001000}"), under: [.disk]) == nil)
    }

    @Test func aNodeSaysWhatChanged() {
        var node = JSON.object(["status": ["conditions": [["type": "Ready", "status": "True"]]]])
        _ = PressureCondition.apply([], to: &node, time: "t0")
        #expect(PressureCondition.apply([], to: &node, time: "t1") == [])
        #expect(PressureCondition.apply([.disk], to: &node, time: "t1") == [.disk])
        let conditions = node[path: "status", "conditions"]?.elements ?? []
        let disk = conditions.first { $0["type"]?.string == "DiskPressure" }
        #expect(disk?["status"] == "True" && disk?["reason"] == "KubeletHasDiskPressure" && disk?["lastTransitionTime"] == "t1")
        #expect(conditions.first { $0["type"]?.string == "MemoryPressure" }?["lastTransitionTime"] == "t0")
        #expect(conditions.count == 4)
    }

    // MARK: Images

    @Test func onlyPulledImagesThatNobodyWantsAreRemoved() {
        func image(_ id: String, _ name: String, digest: Bool) -> ImageStore.Image {
            ImageStore.Image(
                id: id, names: [name], digests: digest ? ["\(name.dropLast(2))@sha256:" + String(repeating: id, count: 64)] : [],
                size: 1)
        }
        var both = image("5", "r.x/pulled:1", digest: true)
        both.names.append("r.x/loaded-too:1")
        let images = [
            image("1", "r.x/used:1", digest: true), image("2", "r.x/wanted:1", digest: true),
            image("3", "r.x/idle:1", digest: true),
            image("4", "r.x/loaded:1", digest: false), both,
        ]
        #expect(ImageGarbage.unneeded(images, used: ["1"], wanted: ["r.x/wanted:1"]).map(\.id) == ["3"])
    }
}
