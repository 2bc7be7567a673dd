import KubeObject
public import KubeStore

/// Keeps book of which volumes are attached to which nodes, for the drivers that attach them: a VolumeAttachment for each volume that
/// a node's pods use, which the driver's attacher answers. Keys are nodes.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume-attachment-v1/
public struct AttachmentReconciler: Reconciler {
    public init() {}

    public var name: String { "attachdetach-controller" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.pods), Key.prefix(Resources.volumeAttachments)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let object = event.object
        if object.kind == "VolumeAttachment" {
            let node = object.tree[path: "spec", "nodeName"]?.string ?? ""
            return node.isEmpty || !object.metadata.name.hasPrefix("csi-") ? [] : [ObjectName(name: node)]
        }
        let node = PodState(object).nodeName
        guard !node.isEmpty, !PodClaims.references(of: object).isEmpty else { return [] }
        // Without attachments there is only something to do for a pod that needs one; its claim may be gone before it.
        let snapshot = cluster.snapshot
        let isConcerned =
            snapshot.count(prefix: Key.prefix(Resources.volumeAttachments)) > 0 || !Self.volumes(of: object, in: snapshot).isEmpty
        return isConcerned ? [ObjectName(name: node)] : []
    }

    /// The volumes of a pod's claims that a driver attaches.
    private static func volumes(of pod: Object, in snapshot: Snapshot) -> [AttachmentPlan.Volume] {
        PodClaims.references(of: pod).compactMap { reference in
            let key = Key(Resources.persistentVolumeClaims, namespace: pod.metadata.namespace, name: reference.claim)
            guard let claim = snapshot.get(key), let name = claim.tree[path: "spec", "volumeName"]?.string else { return nil }
            return volume(name, in: snapshot)
        }
    }

    private static func volume(_ name: String, in snapshot: Snapshot) -> AttachmentPlan.Volume? {
        guard let volume = snapshot.get(Key(Resources.persistentVolumes, namespace: "", name: name)) else { return nil }
        return AttachmentPlan.Volume(volume) { snapshot.get(Key(Resources.csiDrivers, namespace: "", name: $0)) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let snapshot = work.snapshot
        let node = snapshot.get(Key(Resources.nodes, namespace: "", name: work.name))
        var users: [AttachmentPlan.Volume: [Object]] = [:]
        for pod in snapshot.list(prefix: Key.prefix(Resources.pods)) where node != nil {
            let state = PodState(pod)
            guard state.nodeName == work.name, !state.isFinished else { continue }
            for volume in Self.volumes(of: pod, in: snapshot) { users[volume, default: []].append(pod) }
        }
        let attachments = snapshot.list(prefix: Key.prefix(Resources.volumeAttachments)).filter {
            $0.metadata.name.hasPrefix("csi-") && $0.tree[path: "spec", "nodeName"]?.string == work.name
        }
        let before = node?.tree[path: "status", "volumesAttached"]?.elements ?? []
        let plan = AttachmentPlan(
            node: work.name, wanted: Set(users.keys), attachments: attachments, known: { Self.volume($0, in: snapshot) },
            before: before)
        for attachment in plan.deletions { try await work.delete(Resources.volumeAttachments, attachment.metadata) }
        for tree in plan.creations {
            do { try await work.create(tree, Resources.volumeAttachments, namespace: "") } catch let error as StatusError
                where error.isAlreadyExists
            {
                // The next look sees it.
            }
        }
        if let node, plan.attached != before {
            try await work.change(Resources.nodes, node.metadata, subresource: "status") { tree in
                tree[path: "status", "volumesAttached"] = plan.attached.isEmpty ? nil : .array(plan.attached)
            }
        }
        for (volume, news) in plan.news {
            for pod in users[volume] ?? [] { report(news, of: volume, to: pod, work) }
        }
        return .done
    }

    private func report(_ news: AttachmentPlan.News, of volume: AttachmentPlan.Volume, to pod: Object, _ work: Work) {
        switch news {
        case .attached:
            work.report(
                .normal, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"\(volume.name)\" ", about: pod)
        case .failed(let message):
            work.report(
                .warning, "FailedAttachVolume", "AttachVolume.Attach failed for volume \"\(volume.name)\" : \(message)",
                about: pod)
        }
    }
}
