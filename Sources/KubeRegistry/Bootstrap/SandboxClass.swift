import KubeObject

extension Bootstrap {
    /// The runtime class of pods that have a kernel of their own, which is gVisor's. Where the machine has none, such pods don't start, and say why.
    static var sandboxClass: JSON {
        [
            "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata("RuntimeClass", "gvisor"),
            "handler": "runsc",
        ]
    }
}
