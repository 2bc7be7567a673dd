import KubeObject
import KubeSchema
import KubeStore
import Synchronization

/// The open watches of custom resources. One ends when its resource's definition changes or goes, as upstream's do: its client
/// comes back and is served by the new definition, or told that there is none.
///
/// Concurrency: watches come and go in any task; `note` is called by the store's writer, in commit order.
final class CustomWatches: Sendable {
    /// A watch that counts as open; it doesn't any more when this is let go of.
    final class Registration: Sendable {
        fileprivate let address: Address
        fileprivate let id: UInt64
        private let owner: CustomWatches

        fileprivate init(_ address: Address, _ id: UInt64, _ owner: CustomWatches) {
            self.address = address
            self.id = id
            self.owner = owner
        }

        deinit { owner.remove(address, id) }
    }

    fileprivate struct Address: Sendable, Hashable {
        var cluster: Int64
        /// The name of the definition.
        var definition: String
    }

    private struct Entry: Sendable {
        weak var watch: WatchSubscription?
    }

    private struct State {
        var open: [Address: [UInt64: Entry]] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// - Parameter definition: its name.
    func add(_ watch: WatchSubscription, of definition: String, in cluster: Int64) -> Registration {
        let address = Address(cluster: cluster, definition: definition)
        let id = state.withLock { state in
            state.lastID += 1
            state.open[address, default: [:]][state.lastID] = Entry(watch: watch)
            return state.lastID
        }
        return Registration(address, id, self)
    }

    private func remove(_ address: Address, _ id: UInt64) {
        state.withLock { state in
            state.open[address]?[id] = nil
            if state.open[address]?.isEmpty ?? false { state.open[address] = nil }
        }
    }

    func note(_ batch: CommitBatch) {
        for event in batch.events where event.key.text.hasPrefix(CustomSchemas.prefix) && isOther(event) {
            let address = Address(cluster: batch.cluster.id, definition: event.key.name)
            let ended = state.withLock { $0.open.removeValue(forKey: address) ?? [:] }
            for entry in ended.values { entry.watch?.finish() }
        }
    }

    /// Whether what is served by the definition is another after the event.
    private func isOther(_ event: Event) -> Bool {
        guard event.type == .modified, let old = event.previous?.tree else { return true }
        let new = event.object.tree
        return old["spec"] != new["spec"] || old[path: "status", "acceptedNames"] != new[path: "status", "acceptedNames"]
    }
}
