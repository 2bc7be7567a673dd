/// The annotations and finalizers by which the parts of storage talk to each other.
/// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
enum StorageNames {
    static let bindCompleted = "pv.kubernetes.io/bind-completed"
    static let boundByController = "pv.kubernetes.io/bound-by-controller"
    static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    static let selectedNode = "volume.kubernetes.io/selected-node"
    static let provisioner = "volume.kubernetes.io/storage-provisioner"
    static let oldProvisioner = "volume.beta.kubernetes.io/storage-provisioner"
    static let oldClass = "volume.beta.kubernetes.io/storage-class"

    static let claimProtection = "kubernetes.io/pvc-protection"
    static let volumeProtection = "kubernetes.io/pv-protection"
    /// Holds a volume back until what is behind it is deleted.
    static let volumeDeletion = "external-provisioner.volume.kubernetes.io/finalizer"
}
