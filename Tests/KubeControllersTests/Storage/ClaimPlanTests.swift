import KubeObject
import Testing

@testable import KubeControllers

@Suite struct ClaimPlanTests {
    static func claim(_ change: (inout JSON) -> Void = { _ in }) throws -> ClaimView {
        var tree: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": ["name": "data", "namespace": "default", "uid": "claim-uid"],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "5Gi"]], "storageClassName": "disks",
                "volumeMode": "Filesystem",
            ],
            "status": ["phase": "Pending"],
        ]
        change(&tree)
        return ClaimView(try Samples.object(tree))
    }

    static func volume(_ name: String = "v", size: String = "10Gi", _ change: (inout JSON) -> Void = { _ in }) throws
        -> VolumeView
    {
        var tree: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(name), "uid": .string("uid-\(name)")],
            "spec": [
                "capacity": ["storage": .string(size)], "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                "storageClassName": "disks", "volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": ["path": "/data"],
            ],
            "status": ["phase": "Available"],
        ]
        change(&tree)
        return VolumeView(try Samples.object(tree))
    }

    static func storageClass(_ mode: String = "Immediate", provisioner: String = "example.com/disks") throws -> Object {
        try Samples.object([
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": ["name": "disks"],
            "provisioner": .string(provisioner), "volumeBindingMode": .string(mode),
        ])
    }

    static func keep(_ volume: inout JSON, uid: String? = nil, name: String = "data") {
        volume[path: "spec", "claimRef"] = ["namespace": "default", "name": .string(name)]
        if let uid { volume[path: "spec", "claimRef", "uid"] = .string(uid) }
    }

    /// In a word or two, for comparing.
    private func plan(
        _ claim: ClaimView, _ volumes: [VolumeView] = [], _ storageClass: Object? = nil, pods: [String] = []
    ) -> String {
        switch ClaimPlan(claim, .init(volumes: volumes, storageClass: storageClass, waitingPods: pods)) {
        case .wait(let report): report.map { "\($0.isWarning ? "!" : "")\($0.reason): \($0.message)" } ?? "wait"
        case .provision(let provisioner): "provision \(provisioner)"
        case .bind(let volume): "bind \(volume.name)"
        case .lose(let report): "lose \(report.reason)"
        }
    }

    @Test func theSmallestThatIsLargeEnoughIsTaken() throws {
        let volumes = try [
            Self.volume("large", size: "100Gi"), Self.volume("b", size: "6Gi"), Self.volume("a", size: "6Gi"),
            Self.volume("small", size: "1Gi"),
        ]
        #expect(try plan(Self.claim(), volumes, Self.storageClass()) == "bind a")
    }

    @Test func whatDoesNotFitIsNotTaken() throws {
        let misfits: [(String, (inout JSON) -> Void)] = [
            ("too small", { $0[path: "spec", "capacity", "storage"] = "4Gi" }),
            ("another class", { $0[path: "spec", "storageClassName"] = "other" }),
            ("another mode", { $0[path: "spec", "volumeMode"] = "Block" }),
            ("not writable", { $0[path: "spec", "accessModes"] = ["ReadOnlyMany"] }),
            ("released", { $0[path: "status", "phase"] = "Released" }),
            ("kept for another", { Self.keep(&$0, name: "other") }),
            ("another's of this name", { Self.keep(&$0, uid: "other-uid") }),
            ("going", { $0[path: "metadata", "deletionTimestamp"] = "2026-01-01T00:00:00Z" }),
            ("of other attributes", { $0[path: "spec", "volumeAttributesClassName"] = "gold" }),
        ]
        for (name, change) in misfits {
            let found = try plan(Self.claim(), [Self.volume("v", change)], Self.storageClass())
            #expect(found == "provision example.com/disks", "\(name)")
        }
        let chosen = try Self.claim { $0[path: "spec", "selector"] = ["matchLabels": ["tier": "fast"]] }
        #expect(try plan(chosen, [Self.volume()], Self.storageClass()) == "provision example.com/disks")
        let labelled = try Self.volume("fast") { $0[path: "metadata", "labels"] = ["tier": "fast"] }
        #expect(try plan(chosen, [Self.volume(), labelled], Self.storageClass()) == "bind fast")
    }

    @Test func whatIsKeptForTheClaimGoesBeforeWhatFitsBetter() throws {
        let kept = try Self.volume("kept", size: "100Gi") { Self.keep(&$0) }
        #expect(try plan(Self.claim(), [Self.volume("better", size: "5Gi"), kept], Self.storageClass()) == "bind kept")
        // Even while the claim waits for its first consumer.
        #expect(try plan(Self.claim(), [Self.volume(), kept], Self.storageClass("WaitForFirstConsumer")) == "bind kept")
    }

    @Test func withoutAVolumeTheClaimSaysWhyItWaits() throws {
        let waiting = try Self.storageClass("WaitForFirstConsumer")
        #expect(
            try plan(Self.claim(), [Self.volume()], waiting)
                == "WaitForFirstConsumer: waiting for first consumer to be created before binding")
        #expect(
            try plan(Self.claim(), [], waiting, pods: ["web-0"])
                == "WaitForPodScheduled: waiting for pod web-0 to be scheduled")
        let placed = try Self.claim {
            $0[path: "metadata", "annotations"] = [StorageNames.selectedNode: "node-1"]
        }
        #expect(plan(placed, [], waiting) == "provision example.com/disks")
        let bare = try Self.claim()
        #expect(plan(bare) == "!ProvisioningFailed: storageclass.storage.k8s.io \"disks\" not found")
        let plain = try Self.claim { $0[path: "spec", "storageClassName"] = "" }
        let none = "FailedBinding: no persistent volumes available for this claim and no storage class is set"
        #expect(plan(plain) == none)
        #expect(try plan(Self.claim(), [], Self.storageClass(provisioner: "kubernetes.io/no-provisioner")) == none)
    }

    @Test func aClaimMayNameItsVolume() throws {
        let asking = try Self.claim { $0[path: "spec", "volumeName"] = "v" }
        #expect(plan(asking) == "wait")
        #expect(try plan(asking, [Self.volume("a"), Self.volume("v")]) == "bind v")
        #expect(
            try plan(asking, [Self.volume("v") { Self.keep(&$0, name: "other") }])
                == "!FailedBinding: volume \"v\" already bound to a different claim.")
        #expect(
            try plan(asking, [Self.volume("v", size: "1Gi")])
                == "!VolumeMismatch: Cannot bind to requested volume \"v\": requested PV is too small")
    }

    @Test func aBoundClaimWithoutItsVolumeIsLost() throws {
        func bound(_ volume: String) throws -> ClaimView {
            try Self.claim {
                $0[path: "metadata", "annotations"] = [StorageNames.bindCompleted: "yes"]
                $0[path: "spec", "volumeName"] = .string(volume)
            }
        }
        #expect(try plan(bound("")) == "lose ClaimLost")
        #expect(try plan(bound("v")) == "lose ClaimLost")
        #expect(try plan(bound("v"), [Self.volume("v") { Self.keep(&$0, uid: "claim-uid") }]) == "bind v")
        #expect(try plan(bound("v"), [Self.volume("v") { Self.keep(&$0, uid: "other") }]) == "lose ClaimMisbound")
    }

    @Test func whatBecomesOfAVolume() throws {
        func made(_ uid: String?, _ change: (inout JSON) -> Void = { _ in }) throws -> VolumeView {
            try Self.volume("v") {
                Self.keep(&$0, uid: uid)
                change(&$0)
            }
        }
        func bound(to volume: String) throws -> ClaimView { try Self.claim { $0[path: "spec", "volumeName"] = .string(volume) } }
        #expect(try VolumePlan(Self.volume(), claim: nil) == .phase("Available"))
        #expect(try VolumePlan(made(nil), claim: Self.claim()) == .phase("Available"))
        #expect(try VolumePlan(made("claim-uid"), claim: nil) == .release)
        #expect(try VolumePlan(made("earlier"), claim: Self.claim()) == .release)
        #expect(try VolumePlan(made("claim-uid"), claim: Self.claim()) == .askClaim)
        #expect(try VolumePlan(made("claim-uid"), claim: bound(to: "v")) == .phase("Bound"))
        #expect(try VolumePlan(made("claim-uid"), claim: bound(to: "w")) == .phase("Available"))
        let ours = try made("claim-uid") { $0[path: "metadata", "annotations"] = [StorageNames.boundByController: "yes"] }
        #expect(try VolumePlan(ours, claim: bound(to: "w")) == .unbind)
    }
}
