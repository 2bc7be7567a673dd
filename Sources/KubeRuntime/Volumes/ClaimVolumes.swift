import Glibc
import KubeObject

/// Finds what is behind the claims of a pod's volumes.
struct ClaimVolumes {
    let pod: Pod
    let cluster: Int64
    let objects: any ObjectSource
    let local: LocalVolumes

    /// A volume of the cluster, as the node has it.
    struct Found: Equatable {
        enum Kind: Equatable {
            /// One that we have made; it's made again when it's missing.
            case local(handle: String)
            /// A directory of the machine's that must be there.
            case directory
            /// Whatever a `hostPath` of the same words would be.
            case host(JSON)
        }
        var kind: Kind
        var path: String
        var isReadOnly = false
    }

    /// Whether a volume stands for a claim, and that claim's name.
    static func claimName(_ volume: JSON, of pod: Pod) -> String? {
        if let name = volume[path: "persistentVolumeClaim", "claimName"]?.string { return name }
        return volume["ephemeral"]?.object == nil ? nil : "\(pod.name)-\(volume["name"]?.string ?? "")"
    }

    /// - Returns: nil for a volume that stands for no claim.
    func find(_ volume: JSON) throws(ContainerFailure) -> Found? {
        guard let name = Self.claimName(volume, of: pod) else { return nil }
        let path = "\(pod.namespace)/\(name)"
        guard let claim = objects.claim(namespace: pod.namespace, name: name) else {
            throw failure(
                "error processing PVC \(path): failed to fetch PVC from API server: persistentvolumeclaims \"\(name)\" not found")
        }
        if volume["ephemeral"]?.object != nil,
            claim[path: "metadata", "ownerReferences"]?.elements.contains(where: { $0["uid"]?.string == pod.uid }) != true
        {
            throw failure("PVC \(path) was not created for pod \(pod.namespace)/\(pod.name) (pod is not owner)")
        }
        let volumeName = claim[path: "spec", "volumeName"]?.string ?? ""
        guard claim[path: "status", "phase"] == "Bound", !volumeName.isEmpty else {
            throw failure("error processing PVC \(path): PVC is not bound")
        }
        guard let persistent = objects.persistentVolume(name: volumeName) else {
            throw failure(
                "error processing PVC \(path): failed to fetch PV \(volumeName) from API server: persistentvolumes \"\(volumeName)\" not found"
            )
        }
        // Whoever may write claims names a volume; whose it is only the volume says.
        guard persistent[path: "spec", "claimRef", "uid"]?.string == claim[path: "metadata", "uid"]?.string else {
            throw failure("error processing PVC \(path): PV \(volumeName) is bound to another PVC")
        }
        var found = try source(persistent["spec"] ?? [:], volumeName)
        if volume[path: "persistentVolumeClaim", "readOnly"]?.bool == true { found.isReadOnly = true }
        return found
    }

    private func source(_ spec: JSON, _ name: String) throws(ContainerFailure) -> Found {
        guard spec["volumeMode"]?.string != "Block" else {
            throw failure("PV \(name): block volumes are not supported on this node")
        }
        if let csi = spec["csi"], let driver = csi["driver"]?.string {
            guard driver == Self.driver else {
                throw failure("driver name \(driver) not found in the list of registered CSI drivers")
            }
            let handle = csi["volumeHandle"]?.string ?? ""
            guard let path = local.path(handle, cluster: cluster) else {
                throw failure("PV \(name): \(handle) is no volume of this node")
            }
            return Found(kind: .local(handle: handle), path: path, isReadOnly: csi["readOnly"]?.bool ?? false)
        }
        if let path = spec[path: "local", "path"]?.string { return Found(kind: .directory, path: path) }
        if let source = spec["hostPath"], let path = source["path"]?.string { return Found(kind: .host(source), path: path) }
        throw failure("PV \(name): this kind of volume is not supported on this node")
    }

    static let driver = "local-path.sampan.dev"

    private func failure(_ message: String) -> ContainerFailure { ContainerFailure(reason: "FailedMount", message: message) }
}
