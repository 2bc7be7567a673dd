import KubeObject
public import KubeStore

/// Puts the authority by which the API server can be verified into a config map of every namespace, and mends that when it is
/// changed or deleted.
public struct RootCAReconciler: Reconciler {
    static let configMap = "kube-root-ca.crt"
    static let descriptionKey = "kubernetes.io/description"
    static let description = """
        Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
        service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.
        """

    private let authority: @Sendable (LogicalCluster) -> String?

    /// - Parameter authority: the certificates, as PEM, that a cluster's pods are to trust; nil while there are none.
    public init(authority: @escaping @Sendable (LogicalCluster) -> String?) { self.authority = authority }

    public var name: String { "root-ca-cert-publisher" }
    public var watched: [String] { [Key.prefix(Resources.namespaces), Key.prefix(Resources.configMaps)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if event.object.kind == "Namespace" { return event.type == .deleted ? [] : [ObjectName(name: metadata.name)] }
        return metadata.name == Self.configMap && event.type != .added ? [ObjectName(name: metadata.namespace)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard NamespacePlan.isActive(work.object(Resources.namespaces)) else { return .done }
        guard let authority = authority(work.cluster) else { return .done }
        let data: JSON = ["ca.crt": .string(authority)]
        let key = Key(Resources.configMaps, namespace: work.name, name: Self.configMap)
        guard let existing = work.snapshot.get(key) else {
            do {
                try await work.create(
                    [
                        "apiVersion": "v1", "kind": "ConfigMap",
                        "metadata": [
                            "name": .string(Self.configMap), "namespace": .string(work.name),
                            "annotations": [Self.descriptionKey: .string(Self.description)],
                        ],
                        "data": data,
                    ], Resources.configMaps, namespace: work.name)
            } catch let error as StatusError where error.isAlreadyExists {}
            return .done
        }
        let description = existing.tree[path: "metadata", "annotations", Self.descriptionKey]?.string
        if existing.tree["data"] == data, description?.isEmpty == false { return .done }
        try await work.change(Resources.configMaps, existing.metadata) { tree in
            tree["data"] = data
            tree[path: "metadata", "annotations", Self.descriptionKey] = .string(Self.description)
        }
        return .done
    }
}
