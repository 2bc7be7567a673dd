public import KubeObject
import KubeSchema

/// Claims and volumes are held back from deletion while they're used: a controller takes the finalizer off again.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#storageobjectinuseprotection
public struct StorageProtectionAdmission: MutatingAdmissionPlugin {
    private static let finalizers = [
        "persistentvolumeclaims": "kubernetes.io/pvc-protection", "persistentvolumes": "kubernetes.io/pv-protection",
    ]

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty, request.resource.group.isEmpty,
            let finalizer = Self.finalizers[request.resource.plural]
        else { return }
        let known = request.object[path: "metadata", "finalizers"]?.strings ?? []
        guard !known.contains(finalizer) else { return }
        request.object[path: "metadata", "finalizers"] = JSON(known + [finalizer])
    }
}
