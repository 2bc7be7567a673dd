internal import AsyncHTTPClient
import KubeRegistry
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
    let http: HTTPClient
    /// So many sandboxes and containers are made at once.
    let gate: Gate
    /// Who is to be told when a container ends.
    let owners: ContainerOwners
    let logger: Logger

    var client: EngineClient { engine.client }
    var handlers: HandlerRunner { HandlerRunner(client: client, http: http) }
}
