public import KubeObject
public import KubeStore

/// Says in the status of every ValidatingAdmissionPolicy whether the types in its expressions agree with the kinds that it names.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
public struct PolicyTypeReconciler: Reconciler {
    /// The warnings about a policy's expressions.
    public typealias Check = @Sendable (_ policy: JSON, LogicalCluster) -> [JSON]

    private let check: Check

    public init(check: @escaping Check) { self.check = check }

    public var name: String { "validatingadmissionpolicy-status-controller" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.validatingAdmissionPolicies)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type == .deleted ? [] : [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let policy = work.object(Resources.validatingAdmissionPolicies) else { return .done }
        let generation = policy.tree[path: "metadata", "generation"]?.int ?? 0
        if let known = policy.tree[path: "status", "observedGeneration"]?.int, known >= generation { return .done }
        let warnings = check(policy.tree, work.cluster)
        var status: JSON = policy.tree["status"] ?? [:]
        status["observedGeneration"] = .int(generation)
        status["typeChecking"] = warnings.isEmpty ? [:] : ["expressionWarnings": .array(warnings)]
        try await work.writeStatus(status, of: policy, Resources.validatingAdmissionPolicies)
        return .done
    }
}
