public import KubeObject

/// Tells what the machine's node looks like. Implemented by the part that runs pods.
public protocol NodeSource: Sendable {
    /// The node's name, the same in every cluster.
    var nodeName: String { get }

    /// The `Node` object with labels, capacity, allocatable, addresses, conditions and system information as of now; without uid,
    /// resourceVersion and timestamps of metadata.
    func node() -> JSON
}
