import KubeObject
import Testing

@testable import KubeControllers

@Suite struct StatefulSetPlanTests {
    func set(_ replicas: Int64 = 3, status: JSON = [:], _ spec: JSON = [:]) throws -> StatefulSetView {
        var tree: JSON = [
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": ["name": "db", "namespace": "default", "uid": "s", "generation": 1],
            "spec": ["replicas": .int(replicas), "serviceName": "db", "selector": ["matchLabels": ["app": "db"]]],
            "status": status,
        ]
        for (key, value) in spec.object ?? [:] { tree[path: "spec", key] = value }
        return StatefulSetView(try Samples.object(tree))
    }

    func pod(_ ordinal: Int, revision: String = "db-1", ready: Bool = true, phase: String = "Running", deleted: Bool = false)
        throws -> Object
    {
        try Samples.pod(
            "db-\(ordinal)", labels: ["app": "db", "controller-revision-hash": revision], phase: phase, readyFor: ready ? 60 : nil
        ) {
            if deleted { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }
        }
    }

    func plan(_ set: StatefulSetView, _ pods: [Object], update: String = "db-1") -> StatefulSetPlan {
        StatefulSetPlan(set, pods: pods.compactMap { StatefulPod($0, of: set) }, updateRevision: update, now: Samples.now)
    }

    @Test func anOrderedSetGrowsOneByOne() throws {
        #expect(try plan(set(), []).create.map(\.ordinal) == [0])
        #expect(try plan(set(), [pod(0, ready: false)]).create.isEmpty)
        #expect(try plan(set(), [pod(0)]).create.map(\.ordinal) == [1])
        #expect(try plan(set(), [pod(0), pod(1), pod(2)]).create.isEmpty)
        // A hole is filled first.
        #expect(try plan(set(), [pod(0), pod(2)]).create.map(\.ordinal) == [1])
    }

    @Test func aParallelSetGrowsAtOnce() throws {
        let parallel: JSON = ["podManagementPolicy": "Parallel", "ordinals": ["start": 5]]
        #expect(try plan(set(3, parallel), []).create.map(\.ordinal) == [5, 6, 7])
    }

    @Test func theHighestGoesFirst() throws {
        let pods = try (0..<5).map { try pod($0) }
        #expect(try plan(set(3), pods).delete.map(\.pod.name) == ["db-4"])
        #expect(try plan(set(3), pods.dropLast() + [pod(4, deleted: true)]).delete.isEmpty)
        #expect(try plan(set(3, ["podManagementPolicy": "Parallel"]), pods).delete.map(\.pod.name) == ["db-4", "db-3"])
        // While one of those that stay is down, none goes.
        #expect(try plan(set(3), [pod(0), pod(1, ready: false), pod(2), pod(3)]).delete.isEmpty)
    }

    @Test func anEndedPodIsMadeAnew() throws {
        let plan = try plan(set(), [pod(0, ready: false, phase: "Failed"), pod(1)])
        #expect(plan.delete.map(\.pod.name) == ["db-0"])
        #expect(plan.delete.first?.isReplaced == true)
    }

    @Test func anUpdateGoesDownToThePartition() throws {
        let status: JSON = ["currentRevision": "db-1", "currentReplicas": 3]
        let pods = try (0..<3).map { try pod($0) }
        #expect(try plan(set(status: status), pods, update: "db-2").delete.map(\.pod.name) == ["db-2"])
        let one = try [pod(0), pod(1), pod(2, revision: "db-2", ready: false)]
        #expect(try plan(set(status: status), one, update: "db-2").delete.isEmpty)
        let two = try [pod(0), pod(1), pod(2, revision: "db-2")]
        #expect(try plan(set(status: status), two, update: "db-2").delete.map(\.pod.name) == ["db-1"])
        let partition: JSON = ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 2]]]
        #expect(try plan(set(status: status, partition), two, update: "db-2").delete.isEmpty)
        // Below the partition a lost pod comes back as it was.
        let lost = try plan(set(status: status, partition), [pod(1), pod(2, revision: "db-2")], update: "db-2")
        #expect(lost.create.map(\.revision) == ["db-1"])
        let onDelete: JSON = ["updateStrategy": ["type": "OnDelete"]]
        #expect(try plan(set(status: status, onDelete), pods, update: "db-2").delete.isEmpty)
        // Whoever deletes a pod wants it anew.
        #expect(try plan(set(status: status, onDelete), [pod(1), pod(2)], update: "db-2").create.map(\.revision) == ["db-2"])
    }

    @Test func severalMayBeDownAtOnce() throws {
        let spec: JSON = [
            "podManagementPolicy": "Parallel",
            "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 2]],
        ]
        let pods = try (0..<3).map { try pod($0) }
        #expect(
            try plan(set(status: ["currentRevision": "db-1"], spec), pods, update: "db-2").delete.map(\.pod.name) == [
                "db-2", "db-1",
            ])
    }

    @Test func theStatusFollowsTheUpdate() throws {
        let status: JSON = ["currentRevision": "db-1", "currentReplicas": 3]
        let middle = try plan(set(status: status), [pod(0), pod(1), pod(2, revision: "db-2")], update: "db-2").status
        #expect(middle["currentReplicas"] == 2)
        #expect(middle["updatedReplicas"] == 1)
        #expect(middle["currentRevision"] == "db-1")
        let done = try plan(set(status: middle), (0..<3).map { try pod($0, revision: "db-2") }, update: "db-2").status
        #expect(done["currentRevision"] == "db-2")
        #expect(done["currentReplicas"] == 3)
        #expect(done["availableReplicas"] == 3)
    }

    @Test func eachOrdinalKeepsItsIdentityAndClaims() throws {
        let view = try set(
            3, ["volumeClaimTemplates": [["metadata": ["name": "data"], "spec": ["accessModes": ["ReadWriteOnce"]]]]])
        let pod = StatefulSetPodTemplate.pod(
            view, template: ["spec": ["volumes": [["name": "data"]]]], ordinal: 1, revision: "db-1")
        #expect(pod[path: "metadata", "name"] == "db-1")
        #expect(pod[path: "spec", "hostname"] == "db-1")
        #expect(pod[path: "spec", "subdomain"] == "db")
        #expect(pod[path: "metadata", "labels", "apps.kubernetes.io/pod-index"] == "1")
        #expect(pod[path: "spec", "volumes"] == [["name": "data", "persistentVolumeClaim": ["claimName": "data-db-1"]]])
        #expect(StatefulSetPodTemplate.claims(view, ordinal: 1).first?[path: "metadata", "labels"] == ["app": "db"])
    }
}
