import KubeObject
import Testing

@testable import sampan

struct DiagnosisTests {
    /// 2026-11-28T07:00:00Z
    static let now = 1_795_849_200.0

    static func cluster(_ metadata: JSON, phase: String? = "Ready", conditions: JSON = []) -> JSON {
        var object: JSON = ["metadata": metadata, "status": ["conditions": conditions]]
        object[path: "metadata", "namespace"] = "blue"
        object[path: "metadata", "name"] = "demo"
        object[path: "status", "phase"] = phase.map { .string($0) }
        return object
    }

    /// A cluster, and what is said of it: its state and a part of its message or hint.
    static let clusters: [(JSON, Finding.State?, String)] = [
        (cluster(["creationTimestamp": "2026-11-28T06:00:00Z"]), nil, ""),
        (cluster(["creationTimestamp": "2026-11-28T06:00:00Z"], phase: "Asleep"), nil, ""),
        (cluster(["creationTimestamp": "2026-11-28T06:59:50Z"], phase: "Pending"), nil, ""),
        (cluster(["creationTimestamp": "2026-11-28T06:50:00Z"], phase: "Pending"), .failure, "isn't ready after 10m"),
        (cluster(["deletionTimestamp": "2026-11-28T06:59:50Z"]), nil, ""),
        (cluster(["deletionTimestamp": "2026-11-28T06:50:00Z", "finalizers": ["sampan.dev/cluster"]]), .failure, "log"),
        (
            cluster(["deletionTimestamp": "2026-11-28T06:50:00Z", "finalizers": ["sampan.dev/cluster", "x.y/z"]]), .warning,
            "of others: x.y/z"
        ),
        (cluster([:], conditions: [["type": "Expiring", "status": "True"]]), .warning, "sampan cluster extend demo --team blue"),
        (cluster([:], conditions: [["type": "WithinQuota", "status": "False", "message": "Full."]]), .warning, "Full."),
        (cluster([:], conditions: [["type": "WithinQuota", "status": "True"]]), nil, ""),
    ]

    @Test(arguments: clusters)
    func clustersAreExplained(_ cluster: JSON, _ state: Finding.State?, _ words: String) {
        let findings = Diagnosis.clusters([cluster], now: Self.now)
        #expect(findings.first?.state == .ok)
        #expect(findings.dropFirst().first?.state == state)
        if let finding = findings.dropFirst().first {
            #expect(finding.about == "cluster/blue--demo")
            #expect((finding.message + finding.hint).contains(words), "\(finding)")
        }
    }

    @Test func disksAreJudged() {
        #expect(Diagnosis.disk(free: 100 << 30, total: 200 << 30, directory: "/d").state == .ok)
        #expect(Diagnosis.disk(free: 10 << 30, total: 200 << 30, directory: "/d").state == .warning)
        #expect(Diagnosis.disk(free: 100 << 20, total: 200 << 30, directory: "/d").state == .failure)
        #expect(Diagnosis.disk(free: 0, total: 0, directory: "/d").state == .failure)
    }

    @Test func ledgersAreJudged() {
        #expect(Diagnosis.ledger(age: 59, hasBroken: false, directory: "/d").state == .ok)
        #expect(Diagnosis.ledger(age: 600, hasBroken: false, directory: "/d").state == .warning)
        #expect(Diagnosis.ledger(age: nil, hasBroken: false, directory: "/d").state == .warning)
        #expect(Diagnosis.ledger(age: 1, hasBroken: true, directory: "/d").hint.contains("current.json.broken"))
    }

    @Test func teamsWithoutRoomAreTold() {
        let full: JSON = [
            "metadata": ["name": "blue"], "spec": ["quota": ["clusters": 2]],
            "status": ["clusters": 2, "conditions": [["type": "Ready", "status": "False", "message": "Taken."]]],
        ]
        #expect(Diagnosis.teams([full], now: Self.now).map(\.message) == ["Taken.", "It has 2 of 2 clusters."])
        #expect(Diagnosis.teams([], now: Self.now).map(\.state) == [.ok])
    }

    @Test func warningsOfTheLastHourAreToldOnce() {
        func event(_ reason: String, _ time: String, type: String = "Warning") -> JSON {
            [
                "type": .string(type), "reason": .string(reason), "lastTimestamp": .string(time), "message": "m",
                "involvedObject": ["kind": "VirtualCluster", "namespace": "default", "name": "demo"],
            ]
        }
        let events = [
            event("NotWoken", "2026-11-28T06:30:00Z"), event("NotWoken", "2026-11-28T06:50:00Z"),
            event("QuotaExceeded", "2026-11-28T05:00:00Z"), event("Awake", "2026-11-28T06:59:00Z", type: "Normal"),
        ]
        #expect(Diagnosis.events(events, now: Self.now).map(\.message) == ["NotWoken, 10m ago: m"])
    }

    @Test func textHasWhatIsWrongOnly() {
        let findings = [
            Finding(state: .ok, about: "server", message: "It is ready."),
            Finding(state: .warning, about: "disk", message: "Little.", hint: "Make room."),
        ]
        #expect(DoctorCommand.text(findings, all: false) == "warning  disk: Little.\n         Make room.\n")
        #expect(DoctorCommand.text([findings[0]], all: false).hasPrefix("All is well"))
        #expect(DoctorCommand.text(findings, all: true).contains("ok       server: It is ready.\n"))
    }

    @Test func aDamagedStoreIsAFailureAndOneThatIsntReadAWarning() throws {
        var state = StoreState()
        state.checked = 1_000_000
        #expect(Diagnosis.store(state, now: 1_000_100).state == .ok)
        #expect(Diagnosis.store(state, now: 1_000_000 + 3 * StoreKeeper.interval).state == .warning)
        state.complaints = ["row 3 missing from index"]
        #expect(Diagnosis.store(state, now: 1_000_100).state == .failure)
        #expect(Diagnosis.store(state, now: 1_000_100).message.contains("row 3 missing from index"))
        #expect(StoreState(state.tree) == state)
        #expect(state.metricsText.contains("sampan_store_damaged 1"))
    }
}
