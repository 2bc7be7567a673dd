import Foundation
import KubeObject

/// The order in which pods go when there are too many.
///
/// Unassigned before assigned; pending before unknown before running; not ready before ready; lower deletion cost first; from
/// a node with more of them first; ready for a shorter time first; more restarts first; younger first. Times are compared by their
/// order of magnitude, so that a rolling update doesn't always spare the same pods.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset and KEP-2185
struct PodDeletionOrder {
    private struct Candidate {
        var pod: PodState
        var nodeName: String
        var phaseRank: Int
        var isReady: Bool
        var cost: Int64
        var crowd: Int
        var readySince: Double?
        var restarts: Int64
        var created: Double
        var uid: String
    }

    /// The pods to delete, the first to go first.
    /// - Parameters:
    ///   - pods: the active pods of which some must go.
    ///   - related: active pods of the same owner's siblings, by which a node counts as crowded.
    static func choose(_ count: Int, of pods: [PodState], related: [PodState], now: Double) -> [PodState] {
        guard count < pods.count else { return pods }
        var crowds: [String: Int] = [:]
        for pod in related where pod.isActive { crowds[pod.nodeName, default: 0] += 1 }
        let candidates = pods.map { pod in
            Candidate(
                pod: pod, nodeName: pod.nodeName, phaseRank: rank(pod.phase), isReady: pod.isReady, cost: pod.deletionCost,
                crowd: crowds[pod.nodeName] ?? 0, readySince: pod.readySince, restarts: pod.restarts,
                created: Timestamp.parse(pod.metadata.creationTimestamp) ?? 0, uid: pod.metadata.uid)
        }
        return candidates.sorted { goesBefore($0, $1, now: now) }.prefix(count).map(\.pod)
    }

    private static func rank(_ phase: PodState.Phase) -> Int {
        switch phase {
        case .pending: 0
        case .unknown: 1
        default: 2
        }
    }

    private static func goesBefore(_ a: Candidate, _ b: Candidate, now: Double) -> Bool {
        if a.nodeName.isEmpty != b.nodeName.isEmpty { return a.nodeName.isEmpty }
        if a.phaseRank != b.phaseRank { return a.phaseRank < b.phaseRank }
        if a.isReady != b.isReady { return !a.isReady }
        if a.cost != b.cost { return a.cost < b.cost }
        if a.crowd != b.crowd { return a.crowd > b.crowd }
        if a.isReady, let first = a.readySince, let second = b.readySince, first != second {
            let (left, right) = (magnitude(now - first), magnitude(now - second))
            return left == right ? a.uid < b.uid : left < right
        }
        if a.restarts != b.restarts { return a.restarts > b.restarts }
        if a.created != b.created {
            let (left, right) = (magnitude(now - a.created), magnitude(now - b.created))
            return left == right ? a.uid < b.uid : left < right
        }
        return a.uid < b.uid
    }

    private static func magnitude(_ seconds: Double) -> Int {
        let nanoseconds = max(seconds, 0) * 1e9
        return nanoseconds < 1 ? 0 : Int(log2(nanoseconds))
    }
}
