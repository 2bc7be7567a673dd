import KubeObject

/// What the resize of a running pod comes to (KEP-1287, and of the pod as a whole KEP-5419): whether there is one, what the pod is like without it, and how events tell of it.
struct PodResizing {
    /// As its spec is by now.
    let pod: Pod
    let observed: ObservedPod
    let memory: PodMemory

    private var resizable: [ContainerSpec] { pod.initContainers.filter { $0.role == .sidecar } + pod.containers }

    /// Whether a running container has other resources than its spec says.
    var isWanted: Bool {
        !pod.isBeingDeleted && !pod.isTerminal
            && (isWantedOfPod
                || resizable.contains { spec in
                    guard let container = observed.current(spec.name), container.state == .running else { return false }
                    return !memory.resizing(container, spec, pod).isEmpty
                })
    }

    /// Whether a pod that runs has other resources as a whole than its spec says.
    var isWantedOfPod: Bool {
        !pod.isBeingDeleted && !pod.isTerminal && observed.sandbox?.isReady == true && !memory.resizingPod(pod).isEmpty
    }

    /// The plan, with what the pod as a whole is still to be given.
    func completing(_ plan: PodMachine.Plan, now: Double) -> PodMachine.Plan {
        guard isWantedOfPod, !plan.isResting, plan.failure == nil, !plan.isTerminated else { return plan }
        var plan = plan
        if let failure = memory.podResizeFailure, failure.resources == pod.spec["resources"], failure.retryAt > now {
            plan.wake(at: failure.retryAt)
        } else {
            plan.actions.append(.resizePod)
        }
        return plan
    }

    /// The running containers that have the pod's limit of something, since they have none of their own.
    var inheriting: [(spec: ContainerSpec, id: String)] {
        let names = (pod.spec[path: "resources", "limits"]?.object ?? [:]).map(\.key)
        return resizable.compactMap { spec in
            guard let container = observed.current(spec.name), container.state == .running,
                names.contains(where: { spec.tree[path: "resources", "limits", $0] == nil })
            else { return nil }
            return (spec, container.id)
        }
    }

    /// Whether all containers run with what their specs say.
    var isComplete: Bool {
        !isWanted && resizable.allSatisfy { observed.current($0.name)?.state == .running }
    }

    /// What the spec says of its containers' resources.
    var desired: JSON {
        .array(
            (pod.spec["resources"].map { [["resources": $0]] } ?? [])
                + resizable.map { ["name": .string($0.name), "resources": $0.tree["resources"] ?? [:]] })
    }

    /// The pod with the resources that its containers have, as if nobody had asked for others.
    var withoutResize: Pod {
        var tree = pod.tree
        for key in ["initContainers", "containers"] {
            guard let list = tree[path: "spec", key] else { continue }
            let containers = list.elements.map { container -> JSON in
                let name = container["name"]?.string ?? ""
                guard let spec = resizable.first(where: { $0.name == name }), let newest = observed.newest(name) else {
                    return container
                }
                var container = container
                container["resources"] = memory.resources(of: newest, spec, pod)
                return container
            }
            tree[path: "spec", key] = .array(containers)
        }
        if isWantedOfPod, let given = memory.podResources ?? pod.status["resources"] { tree[path: "spec", "resources"] = given }
        return Pod(tree: tree, metadata: pod.metadata)
    }

    /// Why a container's memory limit can't be lowered so far, if it can't: the kernel would end the container for what it uses already. In bytes.
    static func obstacle(toLimit limit: Int64, of container: String, from resources: JSON, used: UInt64) -> String? {
        guard let before = ContainerResources.amount(resources[path: "limits", "memory"])?.value, limit < before,
            used > UInt64(clamping: limit)
        else { return nil }
        return "cannot decrease memory limits: container \"\(container)\": memory limit (\(limit)) below current usage (\(used))"
    }

    /// The same of the whole pod's limit.
    static func obstacle(toLimit limit: Int64?, from before: Int64?, used: UInt64) -> String? {
        guard let limit, limit < before ?? .max, used > UInt64(clamping: limit) else { return nil }
        return "cannot decrease memory limits: attempting to set pod memory limit (\(limit)) below current usage (\(used))"
    }

    /// An event's message, in kubelet's form: what happened, and the resources that the spec says.
    func message(_ what: String, error: String = "") -> String {
        func list(_ key: String, _ specs: [ContainerSpec]) -> String? {
            guard !specs.isEmpty else { return nil }
            let entries = specs.map { spec in
                "{\"name\":\(JSON.string(spec.name).text),\"resources\":\((spec.tree["resources"] ?? [:]).text)}"
            }
            return "\"\(key)\":[\(entries.joined(separator: ","))]"
        }
        // In the order of upstream's fields, which isn't the alphabet's.
        let parts = [
            pod.spec["resources"].map { "\"resources\":\($0.text)" },
            list("initContainers", pod.initContainers), list("containers", pod.containers),
            "\"generation\":\(pod.metadata.generation)", error.isEmpty ? nil : "\"error\":\(JSON.string(error).text)",
        ]
        return "\(what): {\(parts.compactMap { $0 }.joined(separator: ","))}"
    }
}
