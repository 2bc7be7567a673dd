import KubeObject
import KubeRegistry
public import KubeStore

/// Deletes bootstrap tokens when their time is over.
public struct BootstrapTokenCleaner: Reconciler {
    public init() {}

    public var name: String { "token-cleaner" }
    public var concurrency: Int { 1 }
    public var watched: [String] { [Key.prefix(Resources.secrets)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard event.type != .deleted, event.key.namespace == BootstrapTokenSecret.namespace,
            event.object.tree["type"]?.string == BootstrapTokenSecret.secretType
        else { return [] }
        return [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let secret = work.object(Resources.secrets), let token = BootstrapTokenSecret(secret), let end = token.expiration
        else {
            return .done
        }
        if !token.isExpired(at: work.now) { return .after(seconds: end - work.now) }
        try await work.delete(Resources.secrets, secret.metadata)
        return .done
    }
}
