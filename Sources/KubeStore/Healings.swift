import Synchronization

/// How often this process found something left over or broken, and put it right by itself: for metrics, and for whoever asks what the server did.
///
/// Concurrency: any task.
public final class Healings: Sendable {
    /// What was put right. Few, since each is a series.
    public enum Kind: String, CaseIterable, Sendable {
        /// Containers and sandboxes, with the network and mounts, of pods that were nobody's any more.
        case containers
        /// Files, mounts and control groups of pods that had no containers any more.
        case podFiles = "pod-files"
        /// Programs of the engine's that it knew nothing of.
        case shims
        /// The engine had ended, and was started again.
        case engine
        /// Directories of volumes of clusters that were gone for good.
        case volumes
        /// Volumes that were received for a cluster that came to nothing.
        case receivedVolumes = "received-volumes"
        /// Addresses of pods that had ended unseen.
        case addresses
        /// The network's rules, which somebody had removed.
        case rules
        /// Certificates that came near their end.
        case certificates
        /// Clusters whose import, clone or undeletion a kill had interrupted.
        case imports
        /// Deleted clusters that no object told of.
        case deletedClusters = "deleted-clusters"
    }

    /// This process'.
    public static let process = Healings()

    private let counts = Mutex<[Kind: Int]>([:])

    init() {}

    public func note(_ kind: Kind, _ count: Int = 1) {
        guard count > 0 else { return }
        counts.withLock { $0[kind, default: 0] += count }
    }

    public func count(_ kind: Kind) -> Int { counts.withLock { $0[kind] ?? 0 } }

    /// In Prometheus' text format.
    public var metricsText: String {
        let name = "sampan_healed_total"
        let lines = Kind.allCases.map { "\(name){what=\"\($0.rawValue)\"} \(count($0))\n" }
        return
            "# HELP \(name) What the server found left over or broken since its start, and put right by itself.\n# TYPE \(name) counter\n"
            + lines.joined()
    }
}
