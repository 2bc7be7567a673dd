public import KubeObject
public import KubeRegistry
import KubeSchema
import KubeStore

/// A team's namespace isn't deleted under it: everything that the team has would go for good, also the clusters that are kept.
public struct TeamNamespaceAdmission: ValidatingAdmissionPlugin {
    /// The plugin where it belongs.
    public static var chain: AdmissionChain { AdmissionChain(validating: [Self()]) }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        let resource = request.resource.gvr.groupResource
        guard Platform.isPlatform(request.context.cluster), request.operation == .delete, request.subresource.isEmpty,
            resource == GroupResource(group: "", resource: "namespaces"), !request.context.isInternal,
            let namespace = request.snapshot.get(Key(group: "", plural: "namespaces", name: request.name)),
            let team = Team(of: request.name, in: request.snapshot), team.object.metadata.deletionTimestamp == nil,
            namespace.metadata.ownerReferences.contains(where: { $0.uid == team.object.metadata.uid })
        else { return }
        throw .forbidden(
            resource, request.name, "it is the namespace of team \(team.name); delete the team: sampan team delete \(team.name)")
    }
}
