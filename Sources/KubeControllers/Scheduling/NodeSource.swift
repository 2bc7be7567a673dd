public import KubeObject
public import KubeRegistry

/// Tells what the machine's nodes look like. Implemented by the part that runs pods.
public protocol NodeSource: Sendable {
    /// The nodes' names, the same in every cluster.
    var nodes: MachineNodes { get }

    /// The `Node` object with labels, capacity, allocatable, addresses, conditions and system information as of now; without uid,
    /// resourceVersion and timestamps of metadata.
    func node(_ name: String) -> JSON
}
