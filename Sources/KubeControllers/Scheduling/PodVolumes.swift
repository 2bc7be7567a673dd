import KubeObject
import KubeStore

/// Whether the claims of a pod's volumes can be used on a node, and what must be bound before the pod can be.
/// Source: https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
struct PodVolumes {
    /// What upstream's scheduler would say is wrong.
    struct Problem: Equatable {
        var text: String
        /// Whether it is said of nodes, and so counted, rather than of the pod.
        var isOfNodes: Bool
    }

    /// What a claim that waited for its first consumer gets.
    enum Binding {
        /// A volume that is there.
        case keep(VolumeView, ClaimView)
        /// One that is to be made for it, on the node.
        case provision(ClaimView)
    }

    /// What there is in the pod's cluster.
    struct Surroundings {
        var claim: (String) -> ClaimView?
        var volume: (String) -> VolumeView?
        var storageClass: (String) -> Object?
        var volumes: () -> [VolumeView]
        /// Whether another pod that runs uses a claim of the pod's namespace.
        var isInUse: (_ claim: String, _ except: String) -> Bool
    }

    private(set) var problem: Problem?
    private(set) var bindings: [Binding] = []

    init(of pod: Object, node: Object?, in around: Surroundings) { look(pod, node, around) }

    private mutating func look(_ pod: Object, _ node: Object?, _ around: Surroundings) {
        let references = PodClaims.references(of: pod)
        guard !references.isEmpty else { return }
        var unbound: [ClaimView] = []
        for reference in references {
            let name = reference.claim
            guard let claim = around.claim(name) else {
                return refuse(
                    reference.isEphemeral
                        ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(name)\""
                        : "persistentvolumeclaim \"\(name)\" not found")
            }
            if reference.isEphemeral, !PodClaims.isOwned(claim.metadata, by: pod.metadata) {
                let path = "\(pod.metadata.namespace)/\(pod.metadata.name)"
                return refuse("PVC \(claim.path) was not created for pod \(path) (pod is not owner)")
            }
            if claim.phase == "Lost" {
                return refuse(
                    "persistentvolumeclaim \"\(name)\" bound to non-existent persistentvolume \"\(claim.volumeName)\"")
            }
            if claim.isBeingDeleted { return refuse("persistentvolumeclaim \"\(name)\" is being deleted") }
            if claim.isBindCompleted, !claim.volumeName.isEmpty {
                check(claim, pod, node, around)
                if problem != nil { return }
            } else {
                let mode = around.storageClass(claim.className)?.tree["volumeBindingMode"]?.string
                guard claim.volumeName.isEmpty, mode == "WaitForFirstConsumer" else {
                    return refuse("pod has unbound immediate PersistentVolumeClaims")
                }
                unbound.append(claim)
            }
        }
        guard !unbound.isEmpty, let node else { return }
        place(unbound, node, around)
    }

    /// A claim that has its volume.
    private mutating func check(_ claim: ClaimView, _ pod: Object, _ node: Object?, _ around: Surroundings) {
        if claim.accessModes.contains("ReadWriteOncePod"), around.isInUse(claim.metadata.name, pod.metadata.uid) {
            return refuse(
                "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", isOfNodes: true)
        }
        guard let volume = around.volume(claim.volumeName) else {
            return refuse("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", isOfNodes: true)
        }
        if let node, !volume.isReachable(from: node) {
            refuse("node(s) didn't match PersistentVolume's node affinity", isOfNodes: true)
        }
    }

    /// Claims that were waiting for this pod.
    private mutating func place(_ claims: [ClaimView], _ node: Object, _ around: Surroundings) {
        var free = around.volumes()
        for claim in claims {
            if let selected = claim.selectedNode {
                guard selected == node.metadata.name else {
                    return refuse("node(s) didn't find available persistent volumes to bind", isOfNodes: true)
                }
                bindings.append(.provision(claim))
            } else if let volume = VolumeMatch.best(for: claim, of: free, node: node) {
                free.removeAll { $0.name == volume.name }
                bindings.append(.keep(volume, claim))
            } else {
                let provisioner = around.storageClass(claim.className)?.tree["provisioner"]?.string
                guard let provisioner, provisioner != "kubernetes.io/no-provisioner" else {
                    return refuse("node(s) didn't find available persistent volumes to bind", isOfNodes: true)
                }
                bindings.append(.provision(claim))
            }
        }
    }

    private mutating func refuse(_ text: String, isOfNodes: Bool = false) {
        problem = Problem(text: text, isOfNodes: isOfNodes)
        bindings = []
    }
}

extension PodVolumes.Surroundings {
    init(_ snapshot: Snapshot, namespace: String, pods: some Sequence<Object>) {
        claim = { name in
            snapshot.get(Key(Resources.persistentVolumeClaims, namespace: namespace, name: name)).map(ClaimView.init)
        }
        volume = { snapshot.get(Key(Resources.persistentVolumes, namespace: "", name: $0)).map(VolumeView.init) }
        storageClass = { snapshot.get(Key(Resources.storageClasses, namespace: "", name: $0)) }
        volumes = { snapshot.list(prefix: Key.prefix(Resources.persistentVolumes)).map(VolumeView.init) }
        isInUse = { claim, except in
            pods.contains { other in
                other.metadata.uid != except && other.metadata.namespace == namespace && !PodState(other).nodeName.isEmpty
                    && !PodState(other).isFinished && PodClaims.references(of: other).contains { $0.claim == claim }
            }
        }
    }
}
