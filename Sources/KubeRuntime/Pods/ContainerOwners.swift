import Synchronization

/// Which pod's worker a container or sandbox belongs to, by the engine's ID, and whether that worker saw it run.
///
/// What a worker saw may have changed before anybody listened for its containers' ends, or while containerd couldn't tell; so what the engine
/// has now and then is compared with what the workers believe (``mistaken(by:)``), not with what it had before.
final class ContainerOwners<Owner: AnyObject & Sendable>: Sendable {
    private struct State {
        var owners: [String: Owner] = [:]
        /// By owner: whether each of its containers and sandboxes ran when it last looked.
        var seen: [ObjectIdentifier: [String: Bool]] = [:]
    }

    private let state = Mutex(State())

    /// A container that is about to be started.
    func expect(_ id: String, of owner: Owner) {
        state.withLock { state in
            state.owners[id] = owner
            state.seen[ObjectIdentifier(owner), default: [:]][id] = false
        }
    }

    /// All that an owner has by now, and whether it runs.
    func note(_ now: [String: Bool], of owner: Owner) {
        state.withLock { state in
            let before = state.seen.updateValue(now, forKey: ObjectIdentifier(owner)) ?? [:]
            for id in before.keys where now[id] == nil { state.owners[id] = nil }
            for id in now.keys { state.owners[id] = owner }
        }
    }

    func owner(of id: String) -> Owner? { state.withLock { $0.owners[id] } }

    /// Those who believe of something that it runs which doesn't.
    /// - Parameter running: what runs now, by the engine's word.
    func mistaken(by running: Set<String>) -> [Owner] {
        state.withLock { state in
            state.seen.values.compactMap { seen in
                seen.first { $0.value && !running.contains($0.key) }.flatMap { state.owners[$0.key] }
            }
        }
    }

    func forget(_ owner: Owner) {
        state.withLock { state in
            for id in (state.seen.removeValue(forKey: ObjectIdentifier(owner)) ?? [:]).keys { state.owners[id] = nil }
        }
    }
}
