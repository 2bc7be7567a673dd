public import KubeObject
public import KubeRegistry
import KubeSchema
import KubeStore

/// What is kept of a deleted cluster is the platform's word: nobody makes such an object, and nobody changes more of it than its end.
public struct DeletedClusterAdmission: ValidatingAdmissionPlugin {
    /// The plugin where it belongs.
    public static var chain: AdmissionChain { AdmissionChain(validating: [Self()]) }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Platform.isPlatform(request.context.cluster), request.resource.gvr.groupResource == Platform.deletedClusters,
            request.subresource.isEmpty, !request.context.isInternal
        else { return }
        switch request.operation {
        case .create:
            throw .forbidden(
                Platform.deletedClusters, request.name, "deleted clusters come from virtual clusters that are deleted, only")
        case .update: try Self.check(request.object["spec"] ?? [:], request.old?.tree["spec"] ?? [:], request.name)
        default: return
        }
    }

    private static func check(_ new: JSON, _ old: JSON, _ name: String) throws(StatusError) {
        var errors: [FieldError] = []
        var same = new
        same["expirationTime"] = old["expirationTime"]
        if same != old { errors.append(.invalid("spec", new, "only expirationTime may be changed")) }
        let end = new["expirationTime"]?.string ?? ""
        if Timestamp.parse(end) == nil {
            errors.append(.invalid("spec.expirationTime", .string(end), "must be a time, such as 2026-01-31T12:00:00Z"))
        }
        guard errors.isEmpty else {
            throw .invalid(GroupKind(group: Platform.group, kind: "DeletedCluster"), name, errors)
        }
    }
}
