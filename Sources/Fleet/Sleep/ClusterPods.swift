import KubeControllers
import KubeObject
import KubeStore

/// A cluster's pods, as sleep sees them.
enum ClusterPods {
    private static let prefix = Key.prefix(group: "core", plural: "pods")
    /// A pod that is to run to its end once is taken for about to begin for so long.
    private static let beginning: Double = 300

    private static func live(_ snapshot: Snapshot) -> [PodState] {
        snapshot.list(prefix: prefix).map { PodState($0) }.filter { $0.isActive && !$0.nodeName.isEmpty }
    }

    /// How many pods there are to run, and how many of them are ready.
    static func count(_ snapshot: Snapshot) -> (all: Int, ready: Int) {
        let live = live(snapshot)
        return (live.count, live.count { $0.isReady })
    }

    /// How many have a container that runs.
    static func running(_ snapshot: Snapshot) -> Int {
        snapshot.list(prefix: prefix).count { MachineCharge.isRunning($0.tree) }
    }

    /// Pods in the midst of work that they don't begin again: putting them to sleep would end them.
    static func working(_ snapshot: Snapshot, now: Double) -> [String] {
        live(snapshot).filter { pod in
            guard pod.object.tree[path: "spec", "restartPolicy"]?.string ?? "Always" != "Always" else { return false }
            if pod.phase == .running { return true }
            let created = Timestamp.parse(pod.metadata.creationTimestamp) ?? 0
            return now - created < beginning
        }.map { "\($0.metadata.namespace)/\($0.name)" }
    }

    /// Returns when all pods that are to run are ready, or at the end of the time.
    static func untilUp(_ cluster: LogicalCluster, end: ContinuousClock.Instant) async -> Bool {
        await cluster.wait(forChangesOf: prefix, end: end) {
            let (all, ready) = count(cluster.snapshot)
            return all == ready
        }
    }
}
