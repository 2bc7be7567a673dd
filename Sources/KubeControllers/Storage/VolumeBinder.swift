import KubeObject
import KubeSchema
public import KubeStore

/// Binds claims to volumes, and says what becomes of volumes whose claims are gone. What to do is `ClaimPlan`'s and `VolumePlan`'s to say.
///
/// Keys without a namespace are volumes, the others are claims.
public struct VolumeBinder: Reconciler {
    public init() {}

    public var name: String { "persistentvolume-controller" }
    public var watched: [String] {
        [
            Key.prefix(Resources.persistentVolumeClaims), Key.prefix(Resources.persistentVolumes),
            Key.prefix(Resources.storageClasses),
        ]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        switch event.object.kind {
        case "PersistentVolumeClaim":
            let claim = ClaimView(event.object)
            var keys = event.type == .deleted ? [] : [ObjectName(metadata)]
            if !claim.volumeName.isEmpty { keys.append(ObjectName(name: claim.volumeName)) }
            // What was bound to it is to be released.
            if event.type == .deleted, claim.volumeName.isEmpty {
                keys += Self.volumes(in: cluster.snapshot).filter { $0.claim == ObjectName(metadata) }.map {
                    ObjectName(name: $0.name)
                }
            }
            return keys
        case "PersistentVolume":
            let volume = VolumeView(event.object)
            var keys = event.type == .deleted ? [] : [ObjectName(name: metadata.name)]
            if let claim = volume.claim { keys.append(claim) }
            // One that became free may be what others wait for.
            if event.type != .deleted, volume.claim == nil, volume.phase == "Available" {
                keys += Self.waiting(for: volume.className, in: cluster.snapshot)
            }
            if event.type == .added {
                keys += Self.claims(in: cluster.snapshot).filter { $0.volumeName == metadata.name }.map {
                    ObjectName($0.metadata)
                }
            }
            return keys
        case "StorageClass":
            return event.type == .deleted ? [] : Self.waiting(for: metadata.name, in: cluster.snapshot)
        default: return []
        }
    }

    private static func volumes(in snapshot: Snapshot) -> [VolumeView] {
        snapshot.list(prefix: Key.prefix(Resources.persistentVolumes)).map(VolumeView.init)
    }

    private static func claims(in snapshot: Snapshot) -> [ClaimView] {
        snapshot.list(prefix: Key.prefix(Resources.persistentVolumeClaims)).map(ClaimView.init)
    }

    private static func waiting(for className: String, in snapshot: Snapshot) -> [ObjectName] {
        claims(in: snapshot).filter { $0.className == className && $0.volumeName.isEmpty && !$0.isBeingDeleted }
            .map { ObjectName($0.metadata) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        if work.namespace.isEmpty {
            guard let object = work.object(Resources.persistentVolumes) else { return .done }
            return try await reconcile(volume: VolumeView(object), work)
        }
        guard let object = work.object(Resources.persistentVolumeClaims) else { return .done }
        return try await reconcile(claim: ClaimView(object), work)
    }

    // MARK: Claims

    private func reconcile(claim: ClaimView, _ work: Work) async throws -> Outcome {
        // One that is going gets no volume any more.
        guard !claim.isBeingDeleted || claim.isBindCompleted else { return .done }
        let snapshot = work.cluster.snapshot
        let around = ClaimPlan.Surroundings(
            volumes: Self.volumes(in: snapshot).filter {
                $0.name == claim.volumeName || $0.className == claim.className || $0.isKept(for: claim)
            },
            storageClass: snapshot.get(Key(Resources.storageClasses, namespace: "", name: claim.className)),
            waitingPods: claim.volumeName.isEmpty ? PodClaims.waitingPods(for: claim, in: snapshot) : [])
        switch ClaimPlan(claim, around) {
        case .wait(let report):
            if let report {
                work.report(report.isWarning ? .warning : .normal, report.reason, report.message, about: claim.object)
            }
            try await write("Pending", nil, of: claim, work)
        case .lose(let report):
            if claim.phase != "Lost" { work.report(.warning, report.reason, report.message, about: claim.object) }
            try await write("Lost", nil, of: claim, work)
        case .provision(let provisioner):
            try await ask(provisioner, for: claim, work)
        case .bind(let volume):
            try await bind(claim, to: volume, work)
            return Outcome(also: [ObjectName(name: volume.name)])
        }
        return .done
    }

    private func ask(_ provisioner: String, for claim: ClaimView, _ work: Work) async throws {
        try await write("Pending", nil, of: claim, work)
        guard claim.provisioner != provisioner else { return }
        try await work.change(Resources.persistentVolumeClaims, claim.metadata) { tree in
            tree[path: "metadata", "annotations", StorageNames.provisioner] = .string(provisioner)
            tree[path: "metadata", "annotations", StorageNames.oldProvisioner] = .string(provisioner)
        }
        work.report(
            .normal, "ExternalProvisioning",
            "Waiting for a volume to be created either by the external provisioner '\(provisioner)' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
            about: claim.object)
    }

    private func bind(_ claim: ClaimView, to volume: VolumeView, _ work: Work) async throws {
        if volume.claimUID != claim.metadata.uid { try await work.keep(volume, for: claim) }
        try await write("Bound", of: volume, work)
        if claim.volumeName != volume.name || !claim.isBindCompleted {
            try await work.change(Resources.persistentVolumeClaims, claim.metadata) { tree in
                if tree[path: "spec", "volumeName"]?.string ?? "" == "" {
                    tree[path: "spec", "volumeName"] = .string(volume.name)
                    tree[path: "metadata", "annotations", StorageNames.boundByController] = "yes"
                }
                tree[path: "metadata", "annotations", StorageNames.bindCompleted] = "yes"
            }
        }
        try await write("Bound", volume, of: claim, work)
    }

    private func write(_ phase: String, _ volume: VolumeView?, of claim: ClaimView, _ work: Work) async throws {
        guard claim.phase != phase || (phase == "Bound" && claim.object.tree[path: "status", "capacity"] == nil) else { return }
        try await work.change(Resources.persistentVolumeClaims, claim.metadata, subresource: "status") { tree in
            tree[path: "status", "phase"] = .string(phase)
            tree[path: "status", "accessModes"] = volume?.spec["accessModes"]
            tree[path: "status", "capacity"] = volume?.capacity
        }
    }

    // MARK: Volumes

    private func reconcile(volume: VolumeView, _ work: Work) async throws -> Outcome {
        let snapshot = work.cluster.snapshot
        let claim = volume.claim.flatMap {
            snapshot.get(Key(Resources.persistentVolumeClaims, namespace: $0.namespace, name: $0.name))
        }.map(ClaimView.init)
        switch VolumePlan(volume, claim: claim) {
        case .phase(let phase):
            try await write(phase, of: volume, work)
        case .askClaim:
            return Outcome(also: volume.claim.map { [$0] } ?? [])
        case .unbind:
            try await work.change(Resources.persistentVolumes, volume.metadata) { tree in
                tree[path: "spec", "claimRef"] = nil
                tree[path: "metadata", "annotations", StorageNames.boundByController] = nil
            }
            try await write("Available", of: volume, work)
        case .release:
            try await release(volume, work)
        }
        return .done
    }

    private func release(_ volume: VolumeView, _ work: Work) async throws {
        guard volume.phase != "Failed" else { return }
        try await write("Released", of: volume, work)
        // A driver deletes what it has made.
        guard volume.spec["csi"] == nil, volume.provisioner == nil else { return }
        switch volume.reclaimPolicy {
        case "Delete":
            let message = "error getting deleter volume plugin for volume \"\(volume.name)\": no deletable volume plugin matched"
            try await write("Failed", message: message, reason: "VolumeFailedDelete", of: volume, work)
            work.report(.warning, "VolumeFailedDelete", message, about: volume.object)
        case "Recycle":
            let message = "No recycler plugin found for the volume!"
            try await write("Failed", message: message, reason: "VolumeFailedRecycle", of: volume, work)
            work.report(.warning, "VolumeFailedRecycle", message, about: volume.object)
        default: break
        }
    }

    private func write(
        _ phase: String, message: String? = nil, reason: String? = nil, of volume: VolumeView, _ work: Work
    ) async throws {
        guard volume.phase != phase else { return }
        try await work.change(Resources.persistentVolumes, volume.metadata, subresource: "status") { tree in
            tree[path: "status", "phase"] = .string(phase)
            tree[path: "status", "message"] = message.map(JSON.string)
            tree[path: "status", "reason"] = reason.map(JSON.string)
        }
    }
}

extension Work {
    /// Makes a volume a claim's own, before the claim is told.
    func keep(_ volume: VolumeView, for claim: ClaimView) async throws {
        try await change(Resources.persistentVolumes, volume.metadata) { tree throws(StatusError) in
            let uid = tree[path: "spec", "claimRef", "uid"]?.string ?? ""
            guard uid.isEmpty || uid == claim.metadata.uid else {
                throw .conflict(Resources.persistentVolumes.groupResource, volume.name, "the volume is another claim's by now")
            }
            if tree[path: "spec", "claimRef"] == nil {
                tree[path: "metadata", "annotations", StorageNames.boundByController] = "yes"
            }
            tree[path: "spec", "claimRef"] = claim.reference
        }
    }
}
