public import KubeObject
public import KubeRegistry
import KubeSchema

/// What a virtual cluster must be, and the finalizer that keeps its object until the cluster itself is gone.
public struct VirtualClusterAdmission: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    static let finalizer = "sampan.dev/cluster"
    static let maximumDescription = 1024

    /// The plugin where it belongs.
    public static var chain: AdmissionChain { AdmissionChain(mutating: [Self()], validating: [Self()]) }

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request), request.operation == .create else { return }
        let finalizers = request.object[path: "metadata", "finalizers"]?.strings ?? []
        if !finalizers.contains(Self.finalizer) {
            request.object[path: "metadata", "finalizers"] = JSON(finalizers + [Self.finalizer])
        }
        request.object["status"] = ["phase": "Pending"]
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request), request.operation != .delete else { return }
        var errors: [FieldError] = []
        if request.operation == .create, let error = Self.nameError(request.name) { errors.append(error) }
        let description = request.object[path: "spec", "description"]?.string ?? ""
        if description.utf8.count > Self.maximumDescription {
            errors.append(.tooLong("spec.description", maximum: Self.maximumDescription))
        }
        guard errors.isEmpty else {
            throw .invalid(GroupKind(group: Platform.group, kind: "VirtualCluster"), request.name, errors)
        }
    }

    private static func concerns(_ request: AdmissionRequest) -> Bool {
        request.resource.gvr.groupResource == Platform.virtualClusters && request.subresource.isEmpty
    }

    /// A cluster's name is a host name's first label and a part of paths.
    static func nameError(_ name: String) -> FieldError? {
        if name == Platform.rootCluster {
            return .invalid("metadata.name", .string(name), "the name is the platform's own; choose another")
        }
        if name.utf8.count > 63 { return .invalid("metadata.name", .string(name), "must be no more than 63 bytes") }
        let isLabel = !name.contains(".") && LabelSyntax.isSubdomain(name)
        return isLabel
            ? nil
            : .invalid(
                "metadata.name", .string(name),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            )
    }
}
