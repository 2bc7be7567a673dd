import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// The flow configurations of the clusters that are in use. Clusters whose objects are the same ones, as those that they started with, share one.
///
/// Concurrency: any task may ask; ``note(_:)`` is called with every commit, so that a changed object counts from the next request on.
final class FlowConfigurations: Sendable {
    private struct State {
        /// Counts changes: what was read while it changed isn't kept.
        var generation: UInt64 = 0
        var clusters: [Int64: FlowConfiguration] = [:]
        /// By the objects that they were made from, which are kept so that their identities stay their own.
        var shared: [[ObjectIdentifier]: (objects: [Object], configuration: FlowConfiguration)] = [:]
    }

    private static let capacity = 4096
    private static let sharedCapacity = 256
    private static let prefix = FlowConfiguration.group + "/"

    private let state = Mutex(State())

    /// What a new cluster has.
    let ofNewClusters = FlowConfiguration(Bootstrap.base.snapshot.list(prefix: FlowConfigurations.prefix))

    func configuration(of cluster: LogicalCluster) -> FlowConfiguration {
        let (known, generation) = self.state.withLock { ($0.clusters[cluster.id], $0.generation) }
        if let known { return known }
        let objects = cluster.snapshot.list(prefix: Self.prefix)
        let identity = objects.map { ObjectIdentifier($0) }
        let configuration = self.state.withLock { $0.shared[identity]?.configuration } ?? FlowConfiguration(objects)
        self.state.withLock { state in
            guard state.generation == generation else { return }
            if state.clusters.count >= Self.capacity, let other = state.clusters.keys.randomElement() {
                state.clusters[other] = nil
            }
            state.clusters[cluster.id] = configuration
            if state.shared.count >= Self.sharedCapacity { state.shared.removeAll() }
            state.shared[identity] = (objects, configuration)
        }
        return configuration
    }

    func note(_ batch: CommitBatch) {
        let isConcerned = batch.lifecycle == .deleted || batch.events.contains { $0.key.group == FlowConfiguration.group }
        guard isConcerned else { return }
        self.state.withLock { state in
            state.generation += 1
            state.clusters[batch.cluster.id] = nil
        }
    }
}
