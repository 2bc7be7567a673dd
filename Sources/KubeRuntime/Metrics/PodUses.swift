internal import GRPCCore
import Glibc
import Synchronization

/// What whole pods have used by now, for whoever keeps count of it. A pod's control group counts what all of its containers have used, also those
/// that lived for a moment, and goes only with the pod; what it says then is kept until it is asked for.
///
/// Concurrency: any task may call any function.
public final class PodUses: Sendable {
    /// As the kernel counts it.
    public struct Use: Sendable, Equatable {
        /// The cluster's id in the store.
        public var cluster: Int64
        /// Of this control group; another one when the pod gets another.
        public var key: String
        /// Processor time since the pod began, in nanoseconds.
        public var processorNanoseconds: UInt64
        /// The working set now, in bytes; 0 when nothing of it runs.
        public var memory: Int64
    }

    /// Of pods that ended. They are asked for every minute; beyond so many the oldest are given up.
    private static let maximumEnded = 65_536

    private let engine: ContainerEngine
    private let ended = Mutex<[Use]>([])

    init(engine: ContainerEngine) { self.engine = engine }

    /// Of all pods that are here, whether they run or not.
    ///
    /// - Throws: when the engine doesn't answer.
    public func current() async throws -> [Use] {
        let answer = try await engine.client.runtime.listPodSandbox(CRIListPodSandboxRequest(), options: .within(.seconds(10)))
        var pods: [String: (cluster: Int64, runs: Bool)] = [:]
        for sandbox in answer.items {
            guard let cluster = sandbox.labels[PodLabels.cluster].flatMap({ Int64($0) }),
                let uid = sandbox.labels[PodLabels.podUID]
            else { continue }
            pods[uid] = (cluster, pods[uid]?.runs == true || sandbox.state == .sandboxReady)
        }
        return pods.compactMap { uid, pod in read(uid, pod.cluster, runs: pod.runs) }
    }

    /// What pods had used that have ended since the last call. Ask after ``current()``.
    public func takeEnded() -> [Use] {
        ended.withLock { ended in
            defer { ended = [] }
            return ended
        }
    }

    /// Nothing of a pod runs any more, and its control group is about to be removed.
    func noteEnd(ofPod uid: String, cluster: Int64) {
        guard let use = read(uid, cluster, runs: false) else { return }
        ended.withLock { ended in
            if ended.count >= Self.maximumEnded { ended.removeFirst(Self.maximumEnded / 2) }
            ended.append(use)
        }
    }

    private func read(_ uid: String, _ cluster: Int64, runs: Bool) -> Use? {
        let group = engine.group(ofPod: uid)
        guard let reading = ContainerReading.read(group), let number = ContainerReading.identity(of: group) else { return nil }
        return Use(
            cluster: cluster, key: "\(cluster)/\(uid)@\(number)", processorNanoseconds: reading.processorNanoseconds,
            memory: runs ? Int64(clamping: reading.workingSet) : 0)
    }
}
