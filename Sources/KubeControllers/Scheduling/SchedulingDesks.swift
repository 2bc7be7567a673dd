import KubeObject
import Synchronization

/// Lets the pods of a cluster be placed one after the other, each knowing where those before it go, also while that isn't written yet.
///
/// Placing is arithmetic over one snapshot, and may be much: who waits for it holds no thread, which other clusters may need. Writing is done
/// by all at once.
final class SchedulingDesks: Sendable {
    /// A cluster's.
    private actor Desk {
        /// By uid, pods as they will be when they are bound.
        private var assumed: [String: Object] = [:]

        func place<Decision: Sendable>(
            _ decide: @Sendable (_ assumed: [String: Object]) throws -> (Decision, bound: Object?)
        ) throws -> (decision: Decision, bound: Object?) {
            let (decision, bound) = try decide(assumed)
            if let bound { assumed[bound.metadata.uid] = bound }
            return (decision, bound)
        }

        func forget(_ pod: Object) { assumed[pod.metadata.uid] = nil }
    }

    private let desks = Mutex<[Int64: (desk: Desk, users: Int)]>([:])

    /// Decides about one pod, then does what was decided.
    ///
    /// - Parameters:
    ///   - decide: is given the pods that are on their way to a node, and takes its snapshot after that. It says what is to be done, and what the
    ///     pod will be, when that is to bind it.
    ///   - perform: until it returns the pod counts as bound.
    func place<Decision: Sendable>(
        in cluster: Int64, _ decide: @Sendable (_ assumed: [String: Object]) throws -> (Decision, bound: Object?),
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
        let (decision, bound) = try await desk.place(decide)
        do {
            try await perform(decision)
        } catch {
            if let bound { await desk.forget(bound) }
            throw error
        }
        if let bound { await desk.forget(bound) }
    }
}
