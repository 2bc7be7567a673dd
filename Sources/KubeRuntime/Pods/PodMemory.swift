import KubeObject

/// What the runtime knows of a pod besides its spec and the engine's state. Lost with the server, and then found anew.
struct PodMemory: Sendable {
    struct Waiting: Sendable, Equatable {
        var reason: String
        var message: String
        /// Seconds since 1970: not tried again before; nil means at once when something changes.
        var retryAt: Double?
    }

    struct Probes: Sendable, Equatable {
        /// Nil until the probe has said something.
        var isStarted: Bool?
        var isReady: Bool?
        /// Why a failed liveness or startup probe wants the container's end.
        var failure: String?
    }

    struct Stop: Sendable, Equatable {
        /// Seconds since 1970 when it's killed.
        var deadline: Double
    }

    /// A container couldn't be given what its spec said.
    struct ResizeFailure: Sendable, Equatable {
        /// What that was. Anything else is tried at once.
        var resources: JSON
        /// Seconds since 1970: the same isn't tried again before.
        var retryAt: Double
        var message: String
    }

    /// A running container's image isn't the one that its spec says by now.
    struct ImageChange: Sendable, Equatable {
        var image: String
        /// Seconds since 1970: since when.
        var since: Double
    }

    /// A decision that the pod has failed as a whole.
    struct Failure: Sendable, Equatable {
        var reason: String
        var message: String
        /// Whether the pod was ended from outside, through no fault of its own: its owners go by the condition `DisruptionTarget`.
        var isDisruption = false
        /// Whether the node never took the pod.
        var isRejection = false
        /// Seconds in which its containers are to end; nil: as long as the pod has.
        var gracePeriod: Int64?
    }

    /// Why a container isn't running yet, by its name.
    var waiting: [String: Waiting] = [:]
    var backoff = Backoff()
    var imageBackoff = Backoff()
    /// By container ID.
    var probes: [String: Probes] = [:]
    /// The containers (by name) that are being made and started right now.
    var starting: Set<String> = []
    /// What the containers (by ID) got of CPU and memory, as their spec said it then; and those (by name) that are being started.
    var resources: [String: JSON] = [:]
    var startingResources: [String: JSON] = [:]
    /// What the pod as a whole got, as its spec said it then.
    var podResources: JSON?
    var podResizeFailure: ResizeFailure?
    /// What the pod's control group has been set to; nil when that isn't known.
    var group: Cgroups.Limit?
    /// Resizes (by container ID) that failed.
    var resizeFailures: [String: ResizeFailure] = [:]
    /// By container ID.
    var imageChanges: [String: ImageChange] = [:]
    /// Why the node can't give the pod what its spec says by now.
    var pendingResize: Failure?
    /// The resources (``PodResizing/desired``) that the node has set aside for a resize which isn't done yet.
    var acceptedResize: JSON?
    /// Those whose start was completed, with the postStart hook, by container ID.
    var hooksDone: Set<String> = []
    /// The containers (by ID) that are being stopped right now.
    var stopping: [String: Stop] = [:]
    /// Those of them that are stopped because the cluster fell asleep: they are ended even if it is woken meanwhile.
    var restStops: Set<String> = []
    /// The volumes are in place.
    var volumesReady = false
    /// Why they aren't, and when to try again.
    var volumeRetryAt: Double?
    var sandboxRetryAt: Double?
    var sandboxFailures = 0
    /// The newest sandbox's pod is known to the network.
    var isAttached = false
    var failure: Failure?
    /// When the pod's containers began to be stopped for good.
    var terminationStarted: Double?
    var isReleased = false
    /// The sandbox has been stopped by us (its network is gone).
    var stoppedSandboxes: Set<String> = []
    var isFinalized = false
    /// When this server first dealt with the pod.
    var firstSeen: Double = 0

    /// Notes which running containers are to have another image, and since when.
    mutating func noteImages(_ containers: [ObservedContainer], _ pod: Pod, now: Double) {
        let images = Dictionary(pod.allContainers.map { ($0.name, $0.image) }, uniquingKeysWith: { first, _ in first })
        var changes: [String: ImageChange] = [:]
        for container in containers where container.state == .running && !container.specImage.isEmpty {
            guard let image = images[container.name], image != container.specImage else { continue }
            let known = imageChanges[container.id]
            changes[container.id] = known?.image == image ? known : ImageChange(image: image, since: now)
        }
        imageChanges = changes
    }

    /// The resources that a running container has. After a restart of the server the pod's status tells.
    func resources(of container: ObservedContainer, _ spec: ContainerSpec, _ pod: Pod) -> JSON {
        if let known = self.resources[container.id] { return known }
        return Self.status(of: container, pod)?["resources"] ?? spec.tree["resources"] ?? [:]
    }

    /// The resources of the pod as a whole, `cpu` or `memory`, that its spec gives other amounts than it has. After a restart of the server the
    /// pod's status tells what it has.
    func resizingPod(_ pod: Pod) -> [String] {
        guard let wanted = pod.spec["resources"], let given = podResources ?? pod.status["resources"] else { return [] }
        return ["cpu", "memory"].filter { name in
            ["requests", "limits"].contains { list in
                guard let amount = ContainerResources.amount(wanted[list]?[name]) else { return false }
                return amount.milliValue != ContainerResources.amount(given[list]?[name])?.milliValue
            }
        }
    }

    /// Why the container couldn't be given what its spec says now, if that was tried.
    func resizeFailure(_ container: ObservedContainer, _ spec: ContainerSpec) -> ResizeFailure? {
        resizeFailures[container.id].flatMap { $0.resources == spec.tree["resources"] ?? [:] ? $0 : nil }
    }

    /// The resources of a running container, `cpu` or `memory`, that the spec gives other amounts than it has.
    func resizing(_ container: ObservedContainer, _ spec: ContainerSpec, _ pod: Pod) -> [String] {
        let wanted = spec.tree["resources"] ?? [:]
        let given = resources(of: container, spec, pod)
        return ["cpu", "memory"].filter { name in
            ["requests", "limits"].contains {
                ContainerResources.amount(wanted[$0]?[name])?.milliValue
                    != ContainerResources.amount(given[$0]?[name])?.milliValue
            }
        }
    }
}
