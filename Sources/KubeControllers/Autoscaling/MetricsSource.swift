/// What a pod's containers use, measured by whoever runs them.
public struct PodUsage: Sendable, Equatable {
    /// By container, by resource: cpu in thousandths of a core, memory in bytes.
    public var containers: [String: [String: Int64]]

    public init(containers: [String: [String: Int64]]) { self.containers = containers }
}

/// Tells what pods use. Implemented by the part that runs pods.
public protocol MetricsSource: Sendable {
    /// The usage of a cluster's pod over a short time; nil when none was measured yet.
    func usage(cluster: Int64, namespace: String, pod: String) async -> PodUsage?
}
