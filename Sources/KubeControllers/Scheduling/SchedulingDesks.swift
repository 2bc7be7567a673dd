import KubeObject
import Synchronization

/// Lets the pods of a cluster be placed one after the other, each knowing where those before it go, also while that isn't written yet.
///
/// Placing is arithmetic over one snapshot, so it is done with a lock held, a cluster's own; writing is not.
final class SchedulingDesks: Sendable {
    /// A cluster's.
    private final class Desk: Sendable {
        /// By uid, pods as they will be when they are bound.
        let assumed = Mutex<[String: Object]>([:])
    }

    private let desks = Mutex<[Int64: (desk: Desk, users: Int)]>([:])

    /// Decides about one pod, then does what was decided.
    ///
    /// - Parameters:
    ///   - decide: is given the pods that are on their way to a node, and takes its snapshot after that. It says what is to be done, and what the
    ///     pod will be, when that is to bind it.
    ///   - perform: until it returns the pod counts as bound.
    func place<Decision: Sendable>(
        in cluster: Int64, _ decide: (_ assumed: [String: Object]) throws -> (Decision, bound: Object?),
        perform: (Decision) async throws -> Void
    ) async throws {
        let desk = desks.withLock { desks in
            let found = desks[cluster] ?? (Desk(), 0)
            desks[cluster] = (found.desk, found.users + 1)
            return found.desk
        }
        defer {
            desks.withLock { desks in
                guard let found = desks[cluster] else { return }
                desks[cluster] = found.users > 1 ? (found.desk, found.users - 1) : nil
            }
        }
        let (decision, bound) = try desk.assumed.withLock { assumed in
            let made = try decide(assumed)
            if let pod = made.bound { assumed[pod.metadata.uid] = pod }
            return made
        }
        defer { if let bound { desk.assumed.withLock { $0[bound.metadata.uid] = nil } } }
        try await perform(decision)
    }
}
