public import KubeObject

/// Answers creates at one subresource that isn't Kubernetes' own, such as the platform's `virtualclusters/kubeconfig`.
public protocol SubresourceHandler: Sendable {
    /// - Parameters:
    ///   - body: decoded and checked against the subresource's type.
    ///   - namespace: empty for what is cluster-scoped.
    ///   - name: of the object that the subresource is a part of; it needn't exist.
    func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult
}
