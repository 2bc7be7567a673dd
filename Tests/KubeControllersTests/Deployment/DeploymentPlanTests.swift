import KubeObject
import Testing

@testable import KubeControllers

@Suite struct DeploymentPlanTests {
    func plan(_ deployment: Object, _ sets: [Object], pods: [Object] = [], after seconds: Double = 0) -> DeploymentPlan {
        DeploymentPlan(deployment, sets: sets, pods: { pods.map(PodState.init) }, now: Samples.now + seconds)
    }

    @Test func aNewDeploymentMakesItsSet() throws {
        let deployment = try Samples.deployment {
            $0[path: "metadata", "annotations"] = [
                "note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "deployment.kubernetes.io/revision": "7",
            ]
        }
        let plan = plan(deployment, [])
        #expect(plan.actions.count == 2)
        guard case .create(let set)? = plan.actions.first else {
            Issue.record("nothing created")
            return
        }
        let hash = try #require(set[path: "metadata", "labels", "pod-template-hash"]?.string)
        #expect(set[path: "metadata", "name"]?.string == "web-\(hash)")
        #expect(set[path: "spec", "replicas"] == 10)
        #expect(set[path: "spec", "selector", "matchLabels"] == ["app": "web", "pod-template-hash": .string(hash)])
        #expect(set[path: "spec", "template", "metadata", "labels", "pod-template-hash"]?.string == hash)
        #expect(
            set[path: "metadata", "annotations"] == [
                "note": "kept", "deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": "10",
                "deployment.kubernetes.io/max-replicas": "13",
            ])
        #expect(set[path: "metadata", "ownerReferences"]?[0]?["blockOwnerDeletion"] == true)
        #expect(plan.actions.last == .setRevision("1"))
        let progressing = Condition.find("Progressing", in: plan.status)
        #expect(progressing?.reason == "NewReplicaSetCreated")
        #expect(progressing?.message == "Created new replica set \"web-\(hash)\"")
        #expect(Condition.find("Available", in: plan.status)?.status == .false)
        #expect(plan.secondsUntilNextLook == 601)
    }

    struct Step: Sendable {
        var old: (Int64, available: Int64)
        var new: (Int64, available: Int64)
        var scale: [String: Int64]
    }

    /// 10 replicas, surge 3, unavailable 2: at least 8 available, at most 13 in all.
    @Test(arguments: [
        // The new one grows first, into the surge.
        Step(old: (10, 10), new: (0, 0), scale: ["web-h2": 3]),
        // No room left: the old one gives up what may be unavailable.
        Step(old: (10, 10), new: (3, 0), scale: ["web-h1": 8]),
        Step(old: (8, 8), new: (3, 0), scale: ["web-h2": 5]),
        // Nothing new is available: nothing may go.
        Step(old: (8, 8), new: (5, 0), scale: [:]),
        Step(old: (8, 8), new: (5, 3), scale: ["web-h1": 5]),
        // Old ones that aren't available cost nothing.
        Step(old: (8, 5), new: (5, 3), scale: ["web-h1": 5]),
        Step(old: (10, 0), new: (3, 0), scale: ["web-h1": 8]),
        Step(old: (1, 1), new: (10, 10), scale: ["web-h1": 0]),
        Step(old: (0, 0), new: (10, 10), scale: [:]),
        Step(old: (0, 0), new: (12, 12), scale: ["web-h2": 10]),
    ])
    func aRollingUpdateMovesByItsLimits(step: Step) throws {
        let deployment = try Samples.deployment(image: "web:2", unavailable: 2) {
            $0[path: "metadata", "annotations"] = ["deployment.kubernetes.io/revision": "2"]
        }
        let sets = try [
            Samples.replicaSet(1, image: "web:1", replicas: step.old.0, available: step.old.available),
            Samples.replicaSet(2, image: "web:2", replicas: step.new.0, available: step.new.available),
        ]
        var scaled: [String: Int64] = [:]
        for case .scale(let name, _, let to) in plan(deployment, sets).actions { scaled[name] = to }
        #expect(scaled == step.scale)
    }

    /// Plays a rollout to its end with pods that become available one round later, and checks the promises in every round.
    @Test(
        arguments: [
            (10, "25%", "25%"), (10, 0, 1), (10, 1, 0), (1, "25%", "25%"), (3, "100%", 0), (7, "50%", "50%"), (2, 0, "100%"),
            (100, "10%", "10%"),
        ] as [(Int64, JSON, JSON)])
    func aRolloutNeverBreaksItsPromises(replicas: Int64, surge: JSON, unavailable: JSON) throws {
        let deployment = try Samples.deployment(replicas: replicas, image: "web:2", surge: surge, unavailable: unavailable)
        let view = DeploymentView(deployment)
        var old = (desired: replicas, available: replicas)
        var new: (desired: Int64, available: Int64)?
        var rounds = 0
        while new?.available != replicas || old.desired > 0, rounds < 1000 {
            rounds += 1
            let maximum = replicas + view.maxSurge
            var sets = [
                try Samples.replicaSet(
                    1, image: "web:1", replicas: old.desired, available: old.available, desired: replicas, maximum: maximum)
            ]
            if let new {
                sets.append(
                    try Samples.replicaSet(
                        2, image: "web:2", replicas: new.desired, available: new.available, desired: replicas, maximum: maximum))
            }
            // What was asked for before is available now.
            if let current = new { new = (current.desired, current.desired) }
            for action in plan(deployment, sets).actions {
                switch action {
                case .create(let set): new = (set[path: "spec", "replicas"]?.int ?? 0, 0)
                case .scale("web-h1", _, let to): old = (to, min(old.available, to))
                case .scale(_, _, let to): new = (to, min(new?.available ?? 0, to))
                default: break
                }
            }
            #expect(old.desired + (new?.desired ?? 0) <= maximum)
            #expect(old.available + (new?.available ?? 0) >= replicas - view.maxUnavailable)
        }
        #expect(rounds < 1000)
    }

    @Test func sizesAreSpreadInProportionInTheMiddleOfARollout() throws {
        let deployment = try Samples.deployment(replicas: 15, image: "web:2", surge: 3, unavailable: 2)
        let sets = try [
            Samples.replicaSet(1, image: "web:1", replicas: 8), Samples.replicaSet(2, image: "web:2", replicas: 5, available: 0),
        ]
        var sizes: [String: Int64] = [:]
        for case .scale(let name, _, let to) in plan(deployment, sets).actions { sizes[name] = to }
        // As in the documentation: of the 5 more, 3 go to the old and 2 to the new.
        #expect(sizes == ["web-h1": 11, "web-h2": 7])
    }

    @Test func theOnlySetFollowsTheSize() throws {
        let deployment = try Samples.deployment(replicas: 4)
        let plan = plan(deployment, [try Samples.replicaSet(1, image: "web:1", replicas: 10)])
        #expect(plan.actions.contains(.scale(name: "web-h1", from: 10, to: 4)))
    }

    @Test func aPausedDeploymentMakesNoSetButScales() throws {
        let deployment = try Samples.deployment(replicas: 4, image: "web:2") { $0[path: "spec", "paused"] = true }
        let plan = plan(deployment, [try Samples.replicaSet(1, image: "web:1", replicas: 10)])
        #expect(plan.actions == [.scale(name: "web-h1", from: 10, to: 4)])
        let condition = Condition.find("Progressing", in: plan.status)
        #expect(condition?.status == .unknown)
        #expect(condition?.reason == "DeploymentPaused")
        #expect(plan.secondsUntilNextLook == nil)
    }

    @Test func goingBackGivesAnOldSetTheNextRevision() throws {
        let deployment = try Samples.deployment(image: "web:1")
        let sets = try [
            Samples.replicaSet(1, image: "web:1", replicas: 0), Samples.replicaSet(2, image: "web:2", replicas: 10),
        ]
        let plan = plan(deployment, sets)
        guard case .refresh("web-h1", let annotations, 0)? = plan.actions.first else {
            Issue.record("no refresh in \(plan.actions)")
            return
        }
        #expect(annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(annotations["deployment.kubernetes.io/revision-history"] == "1")
        #expect(plan.actions.contains(.setRevision("3")))
        #expect(plan.actions.contains(.scale(name: "web-h1", from: 0, to: 3)))
    }

    @Test func recreateWaitsForTheLastOldPod() throws {
        let deployment = try Samples.deployment(image: "web:2") { $0[path: "spec", "strategy"] = ["type": "Recreate"] }
        let running = try Samples.replicaSet(1, image: "web:1", replicas: 10, maximum: 10)
        #expect(plan(deployment, [running]).actions == [.scale(name: "web-h1", from: 10, to: 0)])
        let stopped = try Samples.replicaSet(1, image: "web:1", replicas: 0, maximum: 10)
        let terminating = try Samples.pod("web-1") { $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }
        #expect(plan(deployment, [stopped], pods: [terminating]).actions == [])
        guard case .create(let set)? = plan(deployment, [stopped]).actions.first else {
            Issue.record("nothing created")
            return
        }
        #expect(set[path: "spec", "replicas"] == 10)
    }

    @Test func onlyTheHistoryLimitOfOldSetsStays() throws {
        let status: JSON = ["updatedReplicas": 10, "replicas": 10, "availableReplicas": 10, "observedGeneration": 1]
        let deployment = try Samples.deployment(image: "web:4", status: status) {
            $0[path: "spec", "revisionHistoryLimit"] = 1
            $0[path: "metadata", "annotations"] = ["deployment.kubernetes.io/revision": "4"]
        }
        let sets = try (1...4).map {
            try Samples.replicaSet($0, image: "web:\($0)", replicas: $0 == 4 ? 10 : 0)
        }
        #expect(plan(deployment, sets).actions == [.delete(name: "web-h1"), .delete(name: "web-h2")])
    }

    @Test func aDeletedDeploymentOnlyReports() throws {
        let deployment = try Samples.deployment(image: "web:2") {
            $0[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1))
        }
        #expect(plan(deployment, [try Samples.replicaSet(1, image: "web:1", replicas: 10)]).actions == [])
    }

    @Test func aSaltGivesAnotherHash() {
        let hashes = Set((0..<50).map { PodTemplate.hash(Samples.template, collisions: $0) })
        #expect(hashes.count == 50)
        var same = Samples.template
        same[path: "metadata", "creationTimestamp"] = .null
        same[path: "metadata", "labels", "pod-template-hash"] = "x"
        #expect(PodTemplate.hash(same, collisions: 0) == PodTemplate.hash(Samples.template, collisions: 0))
        #expect(PodTemplate.isSame(same, Samples.template))
    }
}
