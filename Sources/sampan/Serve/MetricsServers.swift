import KubeAPI
import KubeControllers
import KubeObject
import KubeRegistry
import KubeStore

/// The metrics servers of clusters, for autoscalers: extension API servers, by way of the aggregator.
struct MetricsServers: MetricsAPI {
    /// How much of a server's message is told in conditions and events, in characters.
    private static let messageLimit = 1024

    private let aggregator: Aggregator

    init(_ aggregator: Aggregator) { self.aggregator = aggregator }

    func versions(of group: String, in cluster: LogicalCluster) -> [String] { aggregator.versions(of: group, in: cluster) }

    func document(_ request: MetricsDocument, in cluster: LogicalCluster) async throws(MetricsAPIFailure) -> JSON {
        do {
            return try await aggregator.document(
                request.path, group: request.group, version: request.version,
                as: .serviceAccount(namespace: "kube-system", name: "horizontal-pod-autoscaler"), timeout: request.timeout,
                in: cluster)
        } catch {
            switch error {
            case .refused(let status, nil): throw request.refusal(status)
            case .refused(_, let message?): throw MetricsAPIFailure(String(message.prefix(Self.messageLimit)))
            case .senseless(let text): throw MetricsAPIFailure(String(text.prefix(Self.messageLimit)))
            }
        }
    }
}
