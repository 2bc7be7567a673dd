public import KubeObject
public import KubeStore

/// Keeps the config map from which extension API servers learn whom to believe: makes it where it's missing, and mends it.
///
/// What else somebody has added to it stays, as upstream's controller of it does.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
public struct AuthenticationTrustReconciler: Reconciler {
    /// The config map as it is to be. Made only when something is missing, for it has keys and certificates to be computed.
    public typealias Desired = @Sendable (LogicalCluster) throws -> JSON

    /// Names the authorities that a cluster trusts now; nil when they are those that it began with.
    public typealias Mark = @Sendable (LogicalCluster) throws -> String?

    static let configMap = ObjectName(namespace: "kube-system", name: "extension-apiserver-authentication")
    private static let members = [
        "client-ca-file", "requestheader-allowed-names", "requestheader-client-ca-file", "requestheader-extra-headers-prefix",
        "requestheader-group-headers", "requestheader-uid-headers", "requestheader-username-headers",
    ]

    private static let authorityMembers = ["client-ca-file", "requestheader-client-ca-file"]
    private static let markKey = "sampan.dev/trust"

    private let desired: Desired
    private let mark: Mark

    public init(desired: @escaping Desired, mark: @escaping Mark = { _ in nil }) {
        self.desired = desired
        self.mark = mark
    }

    public var name: String { "cluster-authentication-trust-controller" }
    public var watched: [String] { [Key.prefix(Resources.namespaces), Key.prefix(Resources.configMaps)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "Namespace" {
            return event.type == .added && metadata.name == Self.configMap.namespace ? [Self.configMap] : []
        }
        return event.type != .added && ObjectName(metadata) == Self.configMap ? [Self.configMap] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        let namespace = work.snapshot.get(Key(Resources.namespaces, namespace: "", name: work.namespace))
        guard NamespacePlan.isActive(namespace) else { return .done }
        guard let existing = work.object(Resources.configMaps) else {
            do {
                try await work.create(try desired(work.cluster), Resources.configMaps, namespace: work.namespace)
            } catch let error as StatusError where error.isAlreadyExists {}
            return .done
        }
        let data = existing.tree["data"]
        let isStale = existing.tree[path: "metadata", "annotations", Self.markKey]?.string != (try mark(work.cluster))
        let missing = Self.members.filter {
            (data?[$0]?.string?.isEmpty ?? true) || (isStale && Self.authorityMembers.contains($0))
        }
        guard !missing.isEmpty else { return .done }
        let desired = try desired(work.cluster)
        try await work.change(Resources.configMaps, existing.metadata) { tree in
            for member in missing { tree[path: "data", member] = desired[path: "data", member] }
            tree[path: "metadata", "annotations", Self.markKey] = desired[path: "metadata", "annotations", Self.markKey]
        }
        return .done
    }
}
