import KubeObject
import KubeRegistry
import Synchronization

/// An import with the volumes' data: the objects have come and were found to be what a cluster may have; then the volumes come; then the cluster is made.
///
/// Room for the whole cluster is kept in its team's quota from before the first byte is written.
///
/// Concurrency: one request at a time.
final class VolumeImport: VolumeTransfers.Transfer {
    private let clusters: ArchivedClusters
    private let transfers: VolumeTransfers
    private let prepared: ArchivedClusters.Prepared
    private let intake: any VolumeIntake
    private let id: String
    private let size = Mutex(0)
    /// How many claims have no volume of this machine.
    let without: Int

    init(
        _ clusters: ArchivedClusters, _ transfers: VolumeTransfers, _ prepared: ArchivedClusters.Prepared
    ) throws(StatusError) {
        self.clusters = clusters
        self.transfers = transfers
        self.prepared = prepared
        let isRestricted = ClusterPolicies.policy(prepared.wanted.spec).podSecurity == .restricted
        let found = ClaimedVolumes(prepared.wanted.objects)
        without = found.claims - found.volumes.count
        (id, intake) = try transfers.receive(found.volumes, isRestricted: isRestricted)
    }

    /// How many objects there are.
    var objects: Int { prepared.wanted.objects.count }

    /// Takes a piece; one that came before is there once.
    ///
    /// - Returns: how much is there.
    func add(_ bytes: [UInt8], at offset: Int) async throws(StatusError) -> Int {
        let known = size.withLock { $0 }
        guard offset == known else { return known }
        do { try await intake.write(bytes) } catch { throw VolumeFailure.status(error) }
        return size.withLock { size in
            size += bytes.count
            return size
        }
    }

    /// Makes the cluster.
    func finish(_ options: CreateOptions, _ context: RequestContext) async throws(StatusError) -> JSON {
        do { try await intake.finish() } catch { throw VolumeFailure.status(error) }
        return try await clusters.make(prepared, volumes: id, options, context)
    }

    func end() async { await transfers.release(id) }
}
