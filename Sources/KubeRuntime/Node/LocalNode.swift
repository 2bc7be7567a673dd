public import KubeObject
public import KubeRegistry
import KubeSchema

/// This machine as a cluster's `Node` objects: of several, each says what the machine has.
///
/// There is no lease and no heartbeat: the node lives and dies with the API server itself, so a heartbeat could only say what the
/// answer to the request has said already, and would wake every idle cluster every ten seconds.
public final class LocalNode: Sendable {
    public let names: MachineNodes
    private let facts: NodeFacts
    private let options: RuntimeOptions
    private let engine: ContainerEngine

    init(options: RuntimeOptions, engine: ContainerEngine) {
        self.options = options
        self.engine = engine
        facts = NodeFacts.read(dataDirectory: engine.options.dataDirectory)
        names = MachineNodes(first: options.nodeName ?? facts.hostname)
    }

    func context() -> NodeContext {
        NodeContext(
            instance: engine.options.instance, facts: facts, machine: engine.machine, hostIPs: [facts.internalIP],
            dnsAddress: options.dnsAddress, podPidsLimit: options.podPidsLimit,
            resolverFile: options.resolverFile, paths: engine.paths)
    }

    /// Whether the container engine has answered, so that all of the node can be told.
    public var isKnown: Bool { !engine.version.isEmpty }

    /// A node as of now, without `uid`, `resourceVersion` and creation time.
    public func node(_ name: String) -> JSON {
        let amounts: JSON = [
            "cpu": .string("\(facts.cpus)"), "memory": .string("\(facts.memory / 1024)Ki"),
            "ephemeral-storage": .string("\(facts.ephemeralStorage / 1024)Ki"), "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "pods": .string("\(options.maximumPods)"),
        ]
        let now = JSON.string(Timestamp.now())
        func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSON {
            [
                "type": .string(type), "status": .string(status), "reason": .string(reason), "message": .string(message),
                "lastHeartbeatTime": now, "lastTransitionTime": now,
            ]
        }
        return [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(name),
                "labels": [
                    "kubernetes.io/hostname": .string(name), "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": .string(NodeFacts.architecture), "beta.kubernetes.io/os": "linux",
                    "beta.kubernetes.io/arch": .string(NodeFacts.architecture),
                ],
                "annotations": ["volumes.kubernetes.io/controller-managed-attach-detach": "true"],
            ],
            "spec": [:],
            "status": [
                "capacity": amounts, "allocatable": amounts,
                "addresses": [
                    ["type": "InternalIP", "address": .string(facts.internalIP)],
                    ["type": "Hostname", "address": .string(name)],
                ],
                "conditions": [
                    condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                    condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                    condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                    condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
                ],
                "nodeInfo": [
                    "architecture": .string(NodeFacts.architecture), "operatingSystem": "linux",
                    "osImage": .string(facts.osImage),
                    "kernelVersion": .string(facts.kernelVersion),
                    "containerRuntimeVersion": .string("containerd://" + engine.version),
                    "kubeletVersion": .string(KubernetesVersion.text), "kubeProxyVersion": "",
                    "machineID": .string(facts.machineID),
                    "systemUUID": .string(facts.systemUUID), "bootID": .string(facts.bootID),
                    "swap": ["capacity": .int(facts.swap)],
                ],
                "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
            ],
        ]
    }
}
