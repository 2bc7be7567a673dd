import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Synchronization

/// Says on clusters' nodes what the machine is short of.
///
/// A change is written where somebody may look or run pods: into the clusters in memory; under pressure, also into those that something happens in. So
/// an idle cluster costs nothing, and nothing is written while all is well. Which clusters were told is kept in a file, so that a server that is started
/// again can take it back.
/// Concurrency: `apply` and `note` are called by one task each; the state is in a mutex.
final class PressureMarks: Sendable {
    private struct State {
        var present: Set<PressureCondition> = []
        /// Clusters, by id, of which nodes may say that they are under pressure.
        var told: Set<Int64>
        /// Those that are being told.
        var telling: Set<Int64> = []
    }

    private let registry: Registry
    private let names: MachineNodes
    private let events: EventRecorder
    private let file: String
    private let logger: Logger
    private let state: Mutex<State>

    init(registry: Registry, names: MachineNodes, events: EventRecorder, dataDirectory: String, logger: Logger) {
        self.registry = registry
        self.names = names
        self.events = events
        self.logger = logger
        file = "\(dataDirectory)/node-pressure.json"
        var told: Set<Int64> = []
        if let bytes = try? File.bytes(file), let tree = try? JSON(parsing: bytes) {
            told = Set(tree["clusters"]?.elements.compactMap(\.int) ?? [])
        }
        state = Mutex(State(told: told))
    }

    var present: Set<PressureCondition> { state.withLock { $0.present } }

    /// Whether nodes are to be told of something else than they were.
    func isNews(_ present: Set<PressureCondition>) -> Bool {
        state.withLock { $0.present != present || (present.isEmpty && !$0.told.isEmpty) }
    }

    /// Tells all that have to know.
    func apply(_ present: Set<PressureCondition>) async {
        let before = state.withLock { state in
            state.present = present
            return state.told
        }
        let loaded = Set(registry.store.loadedClusters.map(\.id))
        let concerned = present.isEmpty ? before : before.union(loaded)
        if !present.isEmpty { remember(concerned) }
        var left = concerned
        for id in concerned {
            do {
                guard let cluster = try await registry.store.cluster(id: id) else {
                    left.remove(id)
                    continue
                }
                try await tell(cluster, present)
                if present.isEmpty { left.remove(id) }
            } catch {
                if Task.isCancelled { return }
                logger.warning("a node's conditions can't be written", metadata: ["cluster": "\(id)", "error": "\(error)"])
            }
        }
        remember(left, exactly: true)
    }

    /// Something happened in a cluster: its nodes are to say what is so. Cheap when there is no pressure.
    /// - Returns: whether ``tell(_:)`` is to be called.
    func mustTell(_ cluster: LogicalCluster) -> Bool {
        state.withLock { !$0.present.isEmpty && !$0.told.contains(cluster.id) && $0.telling.insert(cluster.id).inserted }
    }

    func tell(_ cluster: LogicalCluster) async {
        let present = self.present
        do {
            if !present.isEmpty {
                try await tell(cluster, present)
                let hasNodes = names(in: cluster).contains { _ in true }
                if hasNodes { remember([cluster.id]) }
            }
        } catch {
            logger.warning("a node's conditions can't be written", metadata: ["cluster": "\(cluster.name)", "error": "\(error)"])
        }
        _ = state.withLock { $0.telling.remove(cluster.id) }
    }

    private func names(in cluster: LogicalCluster) -> [String] {
        MachineNodes.allowed.map(names.name).filter {
            cluster.snapshot.get(Key(group: "core", plural: "nodes", name: $0)) != nil
        }
    }

    private func tell(_ cluster: LogicalCluster, _ present: Set<PressureCondition>) async throws(StatusError) {
        let resource = try registry.resource("nodes")
        for name in names(in: cluster) {
            guard var tree = cluster.snapshot.get(Key(group: "core", plural: "nodes", name: name))?.tree else { continue }
            let time = Timestamp.now()
            let changed = PressureCondition.apply(present, to: &tree, time: time)
            guard !changed.isEmpty else { continue }
            do throws(StatusError) {
                try await registry.mutate(
                    resource, namespace: "", name: name, subresource: "status", .node(name, in: cluster)
                ) { tree in
                    _ = PressureCondition.apply(present, to: &tree, time: time)
                }
            } catch {
                if error.code == 404 { continue }
                throw error
            }
            for condition in changed {
                let word = condition.words(isTrue: present.contains(condition)).event
                events.record(.normal, word, "Node \(name) status is now: \(word)", node: name, in: cluster)
            }
        }
    }

    private func remember(_ clusters: Set<Int64>, exactly: Bool = false) {
        let told = state.withLock { state in
            let before = state.told
            state.told = exactly ? clusters : state.told.union(clusters)
            return state.told == before ? nil : state.told
        }
        guard let told else { return }
        let tree: JSON = ["clusters": .array(told.sorted().map(JSON.int))]
        do {
            try File.write(tree.encoded(), to: file)
        } catch {
            logger.warning("what nodes were told can't be kept", metadata: ["error": "\(error)"])
        }
    }
}
