import KubeObject
public import KubeRegistry
import KubeSchema
public import KubeStore

/// Makes volumes on this machine for claims of the class `local-path`, lets them grow, and deletes them after their claims.
///
/// A volume is a directory, so its capacity is what was asked for and not enforced. It is known by a handle, never by a path: where that is,
/// only the part that runs pods knows, which looks for it among the volumes of the pod's own cluster.
///
/// Keys without a namespace are volumes, the others are claims.
public struct LocalPathProvisioner: Reconciler {
    private let source: any VolumeSource
    private let nodes: MachineNodes

    public init(source: any VolumeSource, nodes: MachineNodes) {
        self.source = source
        self.nodes = nodes
    }

    public var name: String { LocalPath.driver }
    public var watched: [String] { [Key.prefix(Resources.persistentVolumeClaims), Key.prefix(Resources.persistentVolumes)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.type != .deleted else { return [] }
        if event.object.kind == "PersistentVolume" {
            return Self.mustGo(VolumeView(event.object)) ? [ObjectName(name: event.object.metadata.name)] : []
        }
        let claim = ClaimView(event.object)
        guard claim.provisioner == LocalPath.driver, !claim.isBeingDeleted else { return [] }
        return claim.volumeName.isEmpty || Self.mustGrow(claim) ? [ObjectName(claim.metadata)] : []
    }

    private static func isOurs(_ volume: VolumeView) -> Bool {
        volume.provisioner == LocalPath.driver && volume.spec[path: "csi", "driver"]?.string == LocalPath.driver
    }

    /// Whether a volume waits for us: to have its data deleted, or to be let go with its data kept.
    private static func mustGo(_ volume: VolumeView) -> Bool {
        guard isOurs(volume) else { return false }
        let isFree =
            volume.phase == "Released" || volume.phase == "Failed" || (volume.isBeingDeleted && volume.phase == "Available")
        if volume.reclaimPolicy == "Delete" { return isFree }
        return volume.isBeingDeleted && volume.metadata.finalizers.contains(StorageNames.volumeDeletion)
    }

    private static func mustGrow(_ claim: ClaimView) -> Bool {
        claim.phase == "Bound"
            && Quantity(stored: claim.object.tree[path: "status", "capacity", "storage"]?.string)
                < Quantity(stored: claim.request)
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        if work.namespace.isEmpty {
            guard let object = work.object(Resources.persistentVolumes) else { return .done }
            try await reclaim(VolumeView(object), work)
            return .done
        }
        guard let object = work.object(Resources.persistentVolumeClaims) else { return .done }
        let claim = ClaimView(object)
        guard claim.provisioner == LocalPath.driver, !claim.isBeingDeleted else { return .done }
        if claim.volumeName.isEmpty {
            try await provision(claim, work)
        } else if Self.mustGrow(claim) {
            try await grow(claim, work)
        }
        return .done
    }

    private func provision(_ claim: ClaimView, _ work: Work) async throws {
        guard let found = work.snapshot.get(Key(Resources.storageClasses, namespace: "", name: claim.className)),
            found.tree["provisioner"]?.string == LocalPath.driver
        else { return }
        let isDelayed = found.tree["volumeBindingMode"]?.string == "WaitForFirstConsumer"
        // Another node's claim, or one whose pod isn't placed yet.
        guard claim.selectedNode.map(nodes.contains) ?? !isDelayed else { return }
        let handle = "pvc-\(claim.metadata.uid)"
        work.report(
            .normal, "Provisioning", "External provisioner is provisioning volume for claim \"\(claim.path)\"",
            about: claim.object)
        func failed(_ why: String) {
            work.report(
                .warning, "ProvisioningFailed",
                "failed to provision volume with StorageClass \"\(claim.className)\": \(why)", about: claim.object)
        }
        guard claim.volumeMode == "Filesystem" else { return failed("block volumes are not supported") }
        guard claim.spec["dataSource"] == nil, claim.spec["dataSourceRef"] == nil else {
            return failed("volumes with a data source are not supported")
        }
        do {
            try await source.createVolume(handle, cluster: work.cluster.id)
        } catch {
            failed("\(error)")
            throw error
        }
        do {
            try await work.create(
                LocalPath.volume(handle, for: claim, of: found, node: claim.selectedNode ?? nodes.first),
                Resources.persistentVolumes, namespace: "")
        } catch let error as StatusError where error.isAlreadyExists {
            return
        }
        work.report(.normal, "ProvisioningSucceeded", "Successfully provisioned volume \(handle)", about: claim.object)
    }

    private func grow(_ claim: ClaimView, _ work: Work) async throws {
        let key = Key(Resources.persistentVolumes, namespace: "", name: claim.volumeName)
        guard let object = work.cluster.snapshot.get(key) else { return }
        let volume = VolumeView(object)
        guard Self.isOurs(volume), volume.claimUID == claim.metadata.uid else { return }
        let size = JSON.string(claim.request)
        if volume.size < Quantity(stored: claim.request) {
            try await work.change(Resources.persistentVolumes, volume.metadata) { $0[path: "spec", "capacity", "storage"] = size }
        }
        try await work.change(Resources.persistentVolumeClaims, claim.metadata, subresource: "status") { tree in
            tree[path: "status", "capacity", "storage"] = size
        }
        work.report(.normal, "VolumeResizeSuccessful", "Resize volume succeeded", about: claim.object)
    }

    private func reclaim(_ volume: VolumeView, _ work: Work) async throws {
        guard Self.mustGo(volume) else { return }
        if volume.reclaimPolicy == "Delete" {
            do {
                try await source.deleteVolume(volume.spec[path: "csi", "volumeHandle"]?.string ?? "", cluster: work.cluster.id)
            } catch {
                work.report(.warning, "VolumeFailedDelete", "\(error)", about: volume.object)
                throw error
            }
        }
        if volume.metadata.finalizers.contains(StorageNames.volumeDeletion) {
            try await work.remove(StorageNames.volumeDeletion, from: volume.object, Resources.persistentVolumes)
        }
        if volume.reclaimPolicy == "Delete", !volume.isBeingDeleted {
            try await work.delete(Resources.persistentVolumes, volume.metadata)
        }
    }
}

/// The objects by which volumes on this machine are known.
enum LocalPath {
    /// Both the provisioner's name and the driver's.
    static let driver = Bootstrap.localPathDriver

    static func volume(_ handle: String, for claim: ClaimView, of storageClass: Object, node: String) -> JSON {
        let policy = storageClass.tree["reclaimPolicy"]?.string ?? "Delete"
        var metadata: JSON = [
            "name": .string(handle), "annotations": [StorageNames.provisionedBy: .string(driver)],
        ]
        if policy == "Delete" { metadata["finalizers"] = [.string(StorageNames.volumeDeletion)] }
        return [
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata,
            "spec": [
                "capacity": ["storage": .string(claim.request)], "accessModes": JSON(claim.accessModes),
                "claimRef": claim.reference,
                "persistentVolumeReclaimPolicy": .string(policy), "storageClassName": .string(claim.className),
                "volumeMode": "Filesystem", "csi": ["driver": .string(driver), "volumeHandle": .string(handle)],
                "nodeAffinity": [
                    "required": [
                        "nodeSelectorTerms": [
                            [
                                "matchExpressions": [
                                    ["key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)]]
                                ]
                            ]
                        ]
                    ]
                ],
            ],
        ]
    }
}

extension Work {
    /// Takes a finalizer off an object, which may be its end.
    func remove(_ finalizer: String, from object: Object, _ resource: ResourceType) async throws {
        do {
            try await change(resource, object.metadata) { tree in
                let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != finalizer }
                tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
            }
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // It is gone already.
        }
    }
}
