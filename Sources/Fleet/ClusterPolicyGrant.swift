import KubeObject
import KubeRegistry
import KubeSchema

/// Who may say what a virtual cluster may have: that is the platform's to decide, and not that of the team whose cluster it is, who may change
/// everything else of it. It takes the verb `grant` on `virtualclusters`.
enum ClusterPolicyGrant {
    static let verb = "grant"

    /// - Parameter former: what a cluster that comes back was allowed before.
    /// - Throws: 403 when the requester may not change what the request changes.
    static func check(_ request: AdmissionRequest, former: JSON? = nil, _ authorizer: Authorizer) throws(StatusError) {
        if request.context.isInternal { return }
        let new = request.object["spec"] ?? [:]
        let old = request.old?.tree["spec"] ?? former ?? [:]
        guard let field = changed(from: old, to: new) else { return }
        if isGranted(to: request.context, namespace: request.namespace, name: request.name, authorizer) { return }
        throw .forbidden(
            Platform.virtualClusters, request.name,
            "\(field) is for the platform's administrators to change; it takes the verb \"\(verb)\" on virtualclusters")
    }

    /// Whether a requester may say what a cluster may have.
    static func isGranted(
        to context: RequestContext, namespace: String, name: String, _ authorizer: Authorizer
    ) -> Bool {
        let attributes = AccessAttributes(
            user: context.user, verb: verb, apiGroup: Platform.group, apiVersion: Platform.version.version,
            resource: Platform.virtualClusters.resource, namespace: namespace, name: name)
        return context.isInternal || authorizer.decide(attributes, in: context.cluster).isAllowed
    }

    /// The field that gives the cluster something else than it had; nil when none does. Who asks for less of the machine than they have
    /// needs nobody's leave.
    static func changed(from old: JSON, to new: JSON) -> String? {
        if (new["limits"] ?? .null) != (old["limits"] ?? .null) { return "spec.limits" }
        if (new["network"] ?? .null) != (old["network"] ?? .null) { return "spec.network" }
        let levels = ClusterPolicy.PodSecurity.allCases
        func rank(_ spec: JSON) -> Int { levels.firstIndex(of: ClusterPolicies.policy(spec).podSecurity) ?? 0 }
        if rank(new) < rank(old) { return "spec.podSecurity" }
        let isLetOut = ClusterPolicies.policy(old).isolation == .gvisor && ClusterPolicies.policy(new).isolation != .gvisor
        return isLetOut ? "spec.isolation" : nil
    }
}
