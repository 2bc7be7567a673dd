import KubeObject
import KubeRegistry
import KubeStore
import Logging

/// What every pod's worker uses: shared, and safe for all of them at once.
struct PodServices: Sendable {
    let engine: ContainerEngine
    let node: NodeContext
    let registry: Registry
    let events: EventRecorder
    let network: (any PodNetworkObserver)?
    let addresses: PodAddressBook
    let volumes: LocalVolumes
    let userRanges: UserRanges
    /// Told what pods had used when they are gone.
    let uses: PodUses
    /// So many sandboxes and containers are made at once.
    let gate: Gate
    /// Who is to be told when a container ends.
    let owners: ContainerOwners<PodWorker>
    /// Why a running pod can't have what its spec says by now.
    let resizeAdmission: @Sendable (Object, LogicalCluster) -> PodRejection?
    /// Whether the pods of a cluster (by its name) are not to run now.
    let rests: @Sendable (String) -> Bool
    let logger: Logger

    func resizeObstacle(_ worker: PodWorker) -> PodRejection? {
        worker.stored().flatMap { resizeAdmission($0, worker.cluster) }
    }

    var client: EngineClient { engine.client }
    var handlers: HandlerRunner { HandlerRunner(client: client) }
}
