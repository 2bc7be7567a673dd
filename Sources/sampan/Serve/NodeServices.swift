import KubeControllers
import KubeRegistry
import Logging
import ServiceLifecycle

/// What runs pods on this machine: the container engine, the runtime over it, and the pods' network.
struct NodeServices {
    let source: any NodeSource
    let runtime: any PodStreams
    let services: [any Service]

    init(_ configuration: Configuration, _ registry: Registry, _ addresses: PodAddressBook, _ logger: Logger) throws {
        throw CommandFailure("pods don't run yet")
    }
}
