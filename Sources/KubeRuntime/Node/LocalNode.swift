public import KubeObject
public import KubeRegistry
import KubeSchema

/// This machine as a cluster's `Node` objects: of several, each says what the machine has.
///
/// Nothing beats by the clock: the node lives and dies with the API server itself, so a heartbeat could only say what the answer to the request
/// has said already, and would wake every idle cluster every ten seconds. Leases and heartbeats are renewed when somebody looks at them: `NodeSigns`.
public final class LocalNode: Sendable {
    public let names: MachineNodes
    private let facts: NodeFacts
    let options: RuntimeOptions
    private let engine: ContainerEngine
    /// Until when the engine's first answer is worth waiting for.
    private let patience: ContinuousClock.Instant

    init(options: RuntimeOptions, engine: ContainerEngine) {
        self.options = options
        self.engine = engine
        patience = .now + .seconds(15)
        facts = NodeFacts.read(dataDirectory: engine.options.dataDirectory)
        names = MachineNodes(first: options.nodeName ?? facts.hostname)
    }

    func context() -> NodeContext {
        NodeContext(
            instance: engine.options.instance, facts: facts, machine: engine.machine, hostIPs: addresses,
            dnsAddress: options.dnsAddress, podPidsLimit: options.podPidsLimit,
            resolverFile: options.resolverFile, paths: engine.paths,
            allocatableMemory: options.reservation.leaves(
                .memory, of: facts.memory, thresholds: options.eviction.thresholds),
            allocatableProcessors: options.reservation.processors(of: facts.cpus))
    }

    /// Whether the container engine has answered, so that all of the node can be told. Waits for the answer for some seconds after the
    /// server's start, and later only tells whether it came.
    public func isKnown() async -> Bool {
        while engine.version.isEmpty, ContinuousClock.now < patience, !Task.isCancelled {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        return !engine.version.isEmpty
    }

    /// What RuntimeClasses may name as their handler; the one without a name is the default.
    private var runtimeHandlers: JSON {
        let machine = engine.machine
        let runc: JSON = ["recursiveReadOnlyMounts": false, "userNamespaces": .bool(machine.translatesUsers)]
        var handlers: [JSON] = [["name": "", "features": runc], ["name": "runc", "features": runc]]
        if machine.runsc != nil {
            handlers.append([
                "name": .string(RunscAdapter.handler), "features": ["recursiveReadOnlyMounts": false, "userNamespaces": false],
            ])
        }
        return .array(handlers)
    }

    /// The machine's addresses, one of each family that pods have.
    private var addresses: [String] {
        [facts.internalIP] + (engine.options.podSubnets.count > 1 ? [facts.internalIPv6].compactMap { $0 } : [])
    }

    /// The ranges of all pods here; said where there are two, by which clients see that a cluster is dual-stack.
    private var spec: JSON {
        let subnets = engine.options.podSubnets
        guard subnets.count > 1 else { return [:] }
        return ["podCIDR": .string(subnets[0]), "podCIDRs": JSON(subnets)]
    }

    /// A node as of now, without `uid`, `resourceVersion` and creation time.
    public func node(_ name: String) -> JSON {
        let amounts: JSON = [
            "cpu": .string("\(facts.cpus)"), "memory": .string("\(facts.memory / 1024)Ki"),
            "ephemeral-storage": .string("\(facts.ephemeralStorage / 1024)Ki"), "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "pods": .string("\(options.maximumPods)"),
        ]
        let allocatable = options.reservation.allocatable(of: amounts, thresholds: options.eviction.thresholds)
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
            "spec": spec,
            "status": [
                "capacity": amounts, "allocatable": allocatable,
                "addresses": .array(
                    addresses.map { ["type": "InternalIP", "address": .string($0)] }
                        + [["type": "Hostname", "address": .string(name)]]),
                "conditions": [
                    // Whoever is told otherwise is told so at once: ``PressureMarks``.
                    PressureCondition.memory.tree(isTrue: false, time: now),
                    PressureCondition.disk.tree(isTrue: false, time: now),
                    PressureCondition.processes.tree(isTrue: false, time: now),
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
                "runtimeHandlers": runtimeHandlers,
                "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
            ],
        ]
    }
}
