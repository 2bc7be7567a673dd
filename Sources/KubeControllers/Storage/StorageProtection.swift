import KubeObject
public import KubeStore

/// Lets claims and volumes that are being deleted go when nothing uses them any more.
/// Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
///
/// Keys without a namespace are volumes, the others are claims.
public struct StorageProtection: Reconciler {
    public init() {}

    public var name: String { "pvc-protection-controller" }
    public var watched: [String] {
        [
            Key.prefix(Resources.persistentVolumeClaims), Key.prefix(Resources.persistentVolumes), Key.prefix(Resources.pods),
        ]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let object = event.object
        let metadata = object.metadata
        guard object.kind == "Pod" else {
            let isDeleting = event.type != .deleted && metadata.deletionTimestamp != nil
            return isDeleting && metadata.finalizers.contains(Self.finalizer(of: object)) ? [ObjectName(metadata)] : []
        }
        guard event.type == .deleted || metadata.deletionTimestamp != nil else { return [] }
        return PodClaims.references(of: object).compactMap { reference in
            let key = Key(Resources.persistentVolumeClaims, namespace: metadata.namespace, name: reference.claim)
            guard let claim = cluster.snapshot.get(key), claim.metadata.deletionTimestamp != nil else { return nil }
            return ObjectName(claim.metadata)
        }
    }

    private static func finalizer(of object: Object) -> String {
        object.kind == "PersistentVolume" ? StorageNames.volumeProtection : StorageNames.claimProtection
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let isVolume = work.namespace.isEmpty
        let resource = isVolume ? Resources.persistentVolumes : Resources.persistentVolumeClaims
        guard let object = work.object(latest: resource), object.metadata.deletionTimestamp != nil,
            object.metadata.finalizers.contains(Self.finalizer(of: object))
        else { return .done }
        if isVolume {
            guard VolumeView(object).phase != "Bound" else { return .done }
        } else {
            let pods = work.cluster.snapshot.list(prefix: Key.prefix(Resources.pods, namespace: work.namespace))
            guard !pods.contains(where: { PodClaims.isUsed(object.metadata, by: $0) }) else { return .done }
        }
        try await work.remove(Self.finalizer(of: object), from: object, resource)
        return .done
    }
}
