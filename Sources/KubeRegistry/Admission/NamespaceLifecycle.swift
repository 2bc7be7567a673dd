public import KubeObject
import KubeSchema
import KubeStore

/// Nothing is created in a namespace that isn't there or is being deleted, and the namespaces that a cluster can't do without
/// aren't deleted.
public struct NamespaceLifecycle: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    private static let undeletable: Set<String> = ["default", "kube-system", "kube-public"]

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        // Who asks what somebody may do in a namespace creates nothing there.
        guard request.operation == .create, !request.namespace.isEmpty, request.resource.group != "authorization.k8s.io" else {
            return
        }
        guard let namespace = request.snapshot.get(Key(group: "", plural: "namespaces", name: request.namespace)) else {
            throw .notFound(GroupResource(group: "", resource: "namespaces"), request.namespace)
        }
        let isTerminating =
            namespace.metadata.deletionTimestamp != nil || namespace.tree[path: "status", "phase"] == "Terminating"
        guard isTerminating else { return }
        var error = StatusError.forbidden(
            request.resource.groupResource, request.name,
            "unable to create new content in namespace \(request.namespace) because it is being terminated")
        error.details?["causes"] = [
            [
                "reason": "NamespaceTerminating", "message": .string("namespace \(request.namespace) is being terminated"),
                "field": "metadata.namespace",
            ]
        ]
        throw error
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .delete, request.resource.plural == "namespaces", request.resource.group.isEmpty,
            Self.undeletable.contains(request.name)
        else { return }
        throw .forbidden(request.resource.groupResource, request.name, "this namespace may not be deleted")
    }
}
