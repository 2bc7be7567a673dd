import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// A clone with the volumes' data: the cluster's pods are stopped, its volumes copied, the new cluster made, and the pods go on.
///
/// Each request does a little of it.
///
/// Concurrency: one request at a time.
final class VolumeClone: VolumeTransfers.Transfer {
    /// Of one request.
    private static let patience: Duration = .seconds(2)

    private enum Phase {
        case stopping
        case copying(any VolumeStream, VolumeImport)
        case over
    }

    enum Progress {
        case stopping
        case copying(bytes: Int)
        /// The new virtual cluster.
        case made(JSON, without: Int, leftOut: Int)
    }

    private let frozen: FrozenCluster
    private let clusters: ArchivedClusters
    private let transfers: VolumeTransfers
    private let volumes: any ArchivedVolumes
    private let wanted: @Sendable (Snapshot) throws(StatusError) -> ArchivedClusters.Wanted
    private let state = Mutex((phase: Phase.stopping, bytes: 0, without: 0))

    /// - Parameter wanted: what the new cluster is to be, of what there is when the pods have stopped.
    init(
        _ frozen: FrozenCluster, _ clusters: ArchivedClusters, _ transfers: VolumeTransfers, _ volumes: any ArchivedVolumes,
        wanted: @escaping @Sendable (Snapshot) throws(StatusError) -> ArchivedClusters.Wanted
    ) {
        self.frozen = frozen
        self.clusters = clusters
        self.transfers = transfers
        self.volumes = volumes
        self.wanted = wanted
    }

    func goOn(_ options: CreateOptions, _ context: RequestContext) async throws(StatusError) -> Progress {
        switch state.withLock({ $0.phase }) {
        case .over: throw VolumeTransfers.unknown
        case .stopping:
            guard try await frozen.waits(volumes) else { return .stopping }
            let prepared = try await clusters.prepare(try wanted(frozen.cluster.snapshot), context)
            let found = ClaimedVolumes(prepared.wanted.objects)
            let copy = try VolumeImport(clusters, transfers, prepared)
            state.withLock { state in
                state.phase = .copying(volumes.read(found.volumes, of: frozen.cluster.id), copy)
                state.without = found.claims - found.volumes.count
            }
            return .copying(bytes: 0)
        case .copying(let stream, let copy):
            let end = ContinuousClock.now + Self.patience
            while ContinuousClock.now < end {
                let bytes: [UInt8]
                do { bytes = try await stream.next(ExportHandler.pieceSize) } catch { throw VolumeFailure.status(error) }
                if bytes.isEmpty {
                    let made = try await copy.finish(options, context)
                    return .made(made, without: state.withLock { $0.without }, leftOut: stream.leftOut)
                }
                let size = try await copy.add(bytes, at: state.withLock { $0.bytes })
                state.withLock { $0.bytes = size }
            }
            return .copying(bytes: state.withLock { $0.bytes })
        }
    }

    func end() async {
        let phase = state.withLock { state in
            defer { state.phase = .over }
            return state.phase
        }
        frozen.thaw()
        if case .copying(_, let copy) = phase { await copy.end() }
    }
}
