import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// An export with the volumes' data: the cluster's pods are stopped, then its objects and its volumes are read, and the pods go on.
///
/// Concurrency: one request at a time.
final class VolumeExport: VolumeTransfers.Transfer {
    private enum Phase {
        case stopping
        case objects(Snapshot, after: Key?)
        case volumes(any VolumeStream)
        case over
    }

    struct Piece {
        var bytes: [UInt8] = []
        var isOfVolumes = false
        var isLast = false
    }

    private struct State {
        var phase = Phase.stopping
        var found: ClaimedVolumes?
        var leftOut = 0
    }

    private let frozen: FrozenCluster
    private let name: String
    private let spec: JSON
    private let volumes: any ArchivedVolumes
    private let state = Mutex(State())

    /// - Parameters:
    ///   - name: the virtual cluster's.
    ///   - spec: and what it says.
    init(_ frozen: FrozenCluster, name: String, spec: JSON, _ volumes: any ArchivedVolumes) {
        self.frozen = frozen
        self.name = name
        self.spec = spec
        self.volumes = volumes
    }

    /// Claims without data in the archive; what of the volumes didn't go along.
    var remarks: (without: Int, leftOut: Int) {
        state.withLock { state in
            (state.found.map { $0.claims - $0.volumes.count } ?? 0, state.leftOut)
        }
    }

    func next() async throws(StatusError) -> Piece {
        switch state.withLock({ $0.phase }) {
        case .over: throw VolumeTransfers.unknown
        case .stopping:
            guard try await frozen.waits(volumes) else { return Piece() }
            let snapshot = frozen.cluster.snapshot
            let found = ClaimedVolumes(snapshot.entries(prefix: "").map { (key: $0.key, object: $0.object) })
            state.withLock { $0.found = found }
            let header = ExportHandler.header(of: frozen.cluster, snapshot, spec: spec, name: name)
            return try await objects(snapshot, header: header, after: nil, found)
        case .objects(let snapshot, let last):
            let found = state.withLock { $0.found }
            return try await objects(snapshot, header: nil, after: last, found)
        case .volumes(let stream):
            let bytes: [UInt8]
            do { bytes = try await stream.next(ExportHandler.pieceSize) } catch { throw VolumeFailure.status(error) }
            guard !bytes.isEmpty else {
                state.withLock { state in
                    state.phase = .over
                    state.leftOut = stream.leftOut
                }
                return Piece(isOfVolumes: true, isLast: true)
            }
            return Piece(bytes: bytes, isOfVolumes: true)
        }
    }

    private func objects(
        _ snapshot: Snapshot, header: ArchiveHeader?, after: Key?, _ found: ClaimedVolumes?
    ) async throws(StatusError) -> Piece {
        let (bytes, rest) = await ExportHandler.objects(of: snapshot, header: header, after: after)
        let next =
            rest.map { Phase.objects(snapshot, after: $0) } ?? .volumes(volumes.read(found?.volumes ?? [], of: frozen.cluster.id))
        state.withLock { $0.phase = next }
        return Piece(bytes: bytes)
    }

    func end() async {
        state.withLock { $0.phase = .over }
        frozen.thaw()
    }
}
