import KubeObject

/// A pod as the runtime reads it: its identity and the parts of its spec that decide what happens to its containers.
/// Everything else is read from `tree`, where it is needed.
struct Pod: Sendable {
    enum RestartPolicy: String, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    let tree: JSON
    let metadata: Metadata
    let spec: JSON
    /// Init containers in order, sidecars among them.
    let initContainers: [ContainerSpec]
    let containers: [ContainerSpec]
    /// Added while the pod runs, to look into it. They start at once, and never again.
    let ephemeralContainers: [ContainerSpec]
    let restartPolicy: RestartPolicy

    init(_ object: Object) { self.init(tree: object.tree, metadata: object.metadata) }

    init(tree: JSON, metadata: Metadata) {
        self.tree = tree
        self.metadata = metadata
        spec = tree["spec"] ?? [:]
        initContainers = (spec["initContainers"]?.elements ?? []).map { ContainerSpec($0, .initial) }
        containers = (spec["containers"]?.elements ?? []).map { ContainerSpec($0, .regular) }
        ephemeralContainers = (spec["ephemeralContainers"]?.elements ?? []).map { ContainerSpec($0, .ephemeral) }
        restartPolicy = RestartPolicy(rawValue: spec["restartPolicy"]?.string ?? "") ?? .always
    }

    var name: String { metadata.name }
    var namespace: String { metadata.namespace }
    var uid: String { metadata.uid }
    var annotations: [String: String] { tree[path: "metadata", "annotations"]?.stringMap ?? [:] }
    var status: JSON { tree["status"] ?? [:] }
    var nodeName: String { spec["nodeName"]?.string ?? "" }
    var hasUserNamespace: Bool { spec["hostUsers"]?.bool == false }
    var usesHostNetwork: Bool { spec["hostNetwork"]?.bool ?? false }
    var sharesProcessNamespace: Bool { spec["shareProcessNamespace"]?.bool ?? false }
    var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }

    /// `Succeeded` and `Failed` are final: nothing of such a pod starts again.
    var isTerminal: Bool { ["Succeeded", "Failed"].contains(status["phase"]?.string ?? "") }

    var allContainers: [ContainerSpec] { initContainers + containers + ephemeralContainers }

    func container(_ name: String) -> ContainerSpec? { allContainers.first { $0.name == name } }

    /// What a tenant may ask for is any number of seconds; 68 years are enough, and safe to count on from.
    static let longestGracePeriod = Int64(Int32.max)

    /// Seconds that containers get to end: what the deletion says, else the spec, else 30.
    var gracePeriod: Int64 {
        if isBeingDeleted, let seconds = metadata.deletionGracePeriodSeconds {
            return min(max(seconds, 1), Self.longestGracePeriod)
        }
        return min(spec["terminationGracePeriodSeconds"]?.int ?? 30, Self.longestGracePeriod)
    }

    /// `name_namespace(uid)`, as kubelet's messages have it.
    var formatted: String { "\(name)_\(namespace)(\(uid))" }

    /// Seconds since 1970 when the node first saw the pod, if that was written down.
    var startTime: Double? { status["startTime"]?.string.flatMap { Timestamp.parse($0) } }
}

/// One container of a pod's spec.
struct ContainerSpec: Sendable {
    enum Role: Sendable {
        /// Runs to its end before the next starts.
        case initial
        /// An init container that goes on beside the others (`restartPolicy: Always`).
        case sidecar
        case regular
        case ephemeral
    }

    let tree: JSON
    let name: String
    let image: String
    let role: Role

    /// - Parameter role: `initial` for any init container, sidecars too.
    init(_ tree: JSON, _ role: Role) {
        self.tree = tree
        name = tree["name"]?.string ?? ""
        image = tree["image"]?.string ?? ""
        self.role = role == .initial && tree["restartPolicy"]?.string == "Always" ? .sidecar : role
    }

    var hasStartupProbe: Bool { tree["startupProbe"]?.object != nil }
    var hasReadinessProbe: Bool { tree["readinessProbe"]?.object != nil }
    var hasLivenessProbe: Bool { tree["livenessProbe"]?.object != nil }

    /// Kubelet's default: `Always` for the tag latest, else `IfNotPresent`. The API server has filled it in already.
    var pullPolicy: String {
        if let policy = tree["imagePullPolicy"]?.string, !policy.isEmpty { return policy }
        return Self.standardPullPolicy(of: image)
    }

    static func standardPullPolicy(of image: String) -> String {
        ImageName(image)?.tag == "latest" ? "Always" : "IfNotPresent"
    }

    /// Whether a container that ended with this code is started again.
    func isRestarted(afterExit code: Int32, policy: Pod.RestartPolicy) -> Bool {
        switch role {
        case .sidecar: true
        case .initial: policy != .never && code != 0
        case .ephemeral: false
        case .regular: policy == .always || (policy == .onFailure && code != 0)
        }
    }
}
