import Synchronization

/// The bases that clusters started from, by the ids under which they are stored.
///
/// Concurrency: the writer alone adds, after the base is durable; anyone reads.
final class BaseCatalog: Sendable {
    private struct State {
        var bases: [Int64: Base]
        /// Bases that callers gave, with the stored base of the same content.
        var known: [ObjectIdentifier: (given: Base, id: Int64)] = [:]
    }

    private let state: Mutex<State>

    init(_ bases: [Int64: Base]) { state = Mutex(State(bases: bases)) }

    func base(_ id: Int64) -> Base? { state.withLock { $0.bases[id] } }

    /// The stored base with the content of this one.
    func stored(like base: Base) -> (id: Int64, base: Base)? {
        state.withLock { state in
            if let known = state.known[ObjectIdentifier(base)], let stored = state.bases[known.id] {
                return (known.id, stored)
            }
            guard let (id, stored) = state.bases.first(where: { $0.value.hasSameContent(as: base) }) else { return nil }
            state.known[ObjectIdentifier(base)] = (base, id)
            return (id, stored)
        }
    }

    func add(_ base: Base, id: Int64) { state.withLock { $0.bases[id] = base } }

    var nextID: Int64 { state.withLock { ($0.bases.keys.max() ?? 0) + 1 } }
}
