import KubeObject
import Testing

@testable import KubeControllers

@Suite struct PodVolumesTests {
    private func pod(_ volumes: JSON...) throws -> Object {
        try Samples.pod("web", node: "") { $0[path: "spec", "volumes"] = .array(volumes) }
    }

    private func claimVolume(_ name: String) -> JSON {
        ["name": .string(name), "persistentVolumeClaim": ["claimName": .string(name)]]
    }

    private func node() throws -> Object {
        try Samples.object([
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "node-1", "labels": ["kubernetes.io/hostname": "node-1"]],
        ])
    }

    private func named(_ name: String, _ change: (inout JSON) -> Void = { _ in }) throws -> ClaimView {
        try ClaimPlanTests.claim {
            $0[path: "metadata", "name"] = .string(name)
            $0[path: "metadata", "uid"] = .string("uid-\(name)")
            change(&$0)
        }
    }

    private func bound(_ name: String, to volume: String) throws -> ClaimView {
        try named(name) {
            $0[path: "metadata", "annotations"] = [StorageNames.bindCompleted: "yes"]
            $0[path: "spec", "volumeName"] = .string(volume)
            $0[path: "status", "phase"] = "Bound"
        }
    }

    private func look(
        _ pod: Object, _ claims: [ClaimView], _ volumes: [VolumeView] = [], _ storageClass: Object? = nil, inUse: Bool = false
    ) throws -> PodVolumes {
        PodVolumes(
            of: pod, node: try node(),
            in: .init(
                claim: { name in claims.first { $0.metadata.name == name } },
                volume: { name in volumes.first { $0.name == name } },
                storageClass: { _ in storageClass }, volumes: { volumes }, isInUse: { _, _ in inUse }))
    }

    @Test func whatIsMissingIsSaid() throws {
        func problem(_ claims: [ClaimView], _ volumes: [VolumeView] = [], _ storageClass: Object? = nil) throws -> String? {
            try look(pod(claimVolume("data")), claims, volumes, storageClass).problem?.text
        }
        #expect(try problem([]) == "persistentvolumeclaim \"data\" not found")
        #expect(try problem([named("data")]) == "pod has unbound immediate PersistentVolumeClaims")
        #expect(
            try problem([
                named("data") {
                    $0[path: "status", "phase"] = "Lost"
                    $0[path: "spec", "volumeName"] = "v"
                }
            ])
                == "persistentvolumeclaim \"data\" bound to non-existent persistentvolume \"v\"")
        #expect(
            try problem([bound("data", to: "v")])
                == "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
        let elsewhere = try ClaimPlanTests.volume("v") { volume in
            volume[path: "spec", "nodeAffinity", "required", "nodeSelectorTerms"] = [
                ["matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": ["node-2"]]]]
            ]
        }
        #expect(try problem([bound("data", to: "v")], [elsewhere]) == "node(s) didn't match PersistentVolume's node affinity")
        #expect(try problem([bound("data", to: "v")], [ClaimPlanTests.volume("v")]) == nil)
        let noProvisioner = try ClaimPlanTests.storageClass("WaitForFirstConsumer", provisioner: "kubernetes.io/no-provisioner")
        #expect(
            try problem([named("data")], [elsewhere], noProvisioner)
                == "node(s) didn't find available persistent volumes to bind")
    }

    @Test func claimsThatWaitedGetVolumesOfTheirOwn() throws {
        let waiting = try ClaimPlanTests.storageClass("WaitForFirstConsumer")
        let found = try look(
            pod(claimVolume("a"), claimVolume("b")), [named("a"), named("b")], [ClaimPlanTests.volume("only")], waiting)
        #expect(found.problem == nil)
        let words = found.bindings.map { binding in
            switch binding {
            case .keep(let volume, let claim): "\(claim.metadata.name) gets \(volume.name)"
            case .provision(let claim): "\(claim.metadata.name) gets a new one"
            }
        }
        #expect(words == ["a gets only", "b gets a new one"])
    }

    @Test func anEphemeralVolumesClaimMustBeThePodsOwn() throws {
        let ephemeral: JSON = ["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": [:]]]]
        let pod = try pod(ephemeral)
        #expect(
            try look(pod, []).problem?.text
                == "waiting for ephemeral volume controller to create the persistentvolumeclaim \"web-scratch\"")
        #expect(
            try look(pod, [named("web-scratch")]).problem?.text
                == "PVC default/web-scratch was not created for pod default/web (pod is not owner)")
        let own = try named("web-scratch") {
            $0[path: "metadata", "ownerReferences"] = [ControllerOwnership.reference(to: pod).tree]
        }
        #expect(try look(pod, [own], [], ClaimPlanTests.storageClass("WaitForFirstConsumer")).bindings.count == 1)
    }

    @Test func oneThatIsForOnePodIsNotForTwo() throws {
        let claim = try bound("data", to: "v")
        var tree = claim.object.tree
        tree[path: "spec", "accessModes"] = ["ReadWriteOncePod"]
        let single = ClaimView(try Samples.object(tree))
        let volumes = [try ClaimPlanTests.volume("v")]
        #expect(try look(pod(claimVolume("data")), [single], volumes).problem == nil)
        #expect(
            try look(pod(claimVolume("data")), [single], volumes, inUse: true).problem?.text
                == "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode")
    }

    @Test func theSchedulerCountsNodesButNotThePod() throws {
        func message(_ problem: PodVolumes.Problem) throws -> String? {
            guard
                case .unschedulable(let text, _, _) = SchedulingDecision(
                    try pod(), node: try node(), pods: [], volumeProblem: problem)
            else { return nil }
            return text
        }
        let end =
            ". no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        #expect(try message(.init(text: "x", isOfNodes: false)) == "0/1 nodes are available: x" + end)
        #expect(try message(.init(text: "x", isOfNodes: true)) == "0/1 nodes are available: 1 x" + end)
    }
}
