import KubeObject
import KubeRegistry

/// Kubernetes' amounts as cgroup values, computed as kubelet does.
enum ContainerResources {
    static func linux(_ container: ContainerSpec, pod: Pod, nodeMemory: Int64, cgroups: MachineFacts.CgroupVersion)
        -> CRILinuxContainerResources
    {
        var resources = CRILinuxContainerResources()
        let limits = container.tree[path: "resources", "limits"]
        let requests = container.tree[path: "resources", "requests"]
        // A container without a limit of its own has the pod's.
        func limit(_ resource: String) -> Quantity? {
            let own = amount(limits?[resource])
            if own?.milliValue ?? 0 > 0 || container.role == .ephemeral { return own }
            return amount(pod.spec[path: "resources", "limits", resource]) ?? own
        }
        let cpuLimit = limit("cpu")
        let cpuRequest = amount(requests?["cpu"]) ?? amount(limits?["cpu"])
        resources.cpuShares = shares(milli: cpuRequest?.milliValue ?? 0)
        resources.cpuPeriod = 100_000
        if let milli = cpuLimit?.milliValue, milli > 0 { resources.cpuQuota = max(milli * 100, 1000) }
        if let memory = limit("memory")?.value, memory > 0 {
            resources.memoryLimitInBytes = memory
            resources.memorySwapLimitInBytes = memory
        }
        resources.oomScoreAdj = oomScore(pod: pod, memoryRequest: amount(requests?["memory"])?.value ?? 0, nodeMemory: nodeMemory)
        if cgroups == .v2 { resources.unified = ["memory.oom.group": "1"] }
        return resources
    }

    /// What all of a pod's containers may have together: its requests are its weight, and of each resource that the pod, or every container of
    /// it, has a limit of, it may have no more. So nothing of it goes beyond: no container that is added later, no memory that a
    /// container leaves behind when it is started anew.
    ///
    /// - Parameter isSandboxed: its containers run in one process that takes something itself.
    static func group(_ pod: Pod, isSandboxed: Bool) -> Cgroups.Limit {
        guard pod.status["qosClass"]?.string != "BestEffort" else { return Cgroups.Limit(weight: shares(milli: 0)) }
        let limits = PodResources.limits(of: pod.tree)
        func limit(_ resource: String) -> Int64? {
            func isLimited(_ resources: JSON?) -> Bool { amount(resources?[path: "limits", resource])?.milliValue ?? 0 > 0 }
            let isBounded =
                isLimited(pod.spec["resources"])
                || (pod.initContainers + pod.containers).allSatisfy { isLimited($0.tree["resources"]) }
            return isBounded ? limits[resource] : nil
        }
        return Cgroups.Limit(
            weight: shares(milli: PodResources.requests(of: pod.tree)["cpu"]),
            memory: limit("memory").map { isSandboxed ? $0 + sandboxMemory : $0 },
            processor: limit("cpu").map { max($0 * 100, 1000) })
    }

    /// What such a process takes.
    private static let sandboxMemory: Int64 = 64 << 20

    static func shares(milli: Int64) -> Int64 { milli == 0 ? 2 : min(max(milli * 1024 / 1000, 2), 262_144) }

    static func oomScore(pod: Pod, memoryRequest: Int64, nodeMemory: Int64) -> Int64 {
        switch pod.status["qosClass"]?.string {
        case "Guaranteed": return -997
        case "BestEffort": return 1000
        default:
            guard nodeMemory > 0 else { return 999 }
            return min(max(1000 - 1000 * memoryRequest / nodeMemory, 3), 999)
        }
    }

    static func amount(_ value: JSON?) -> Quantity? {
        switch value {
        case .string(let text)?: try? Quantity(text)  // validated when it was stored
        case .int(let number)?: Quantity(number)
        default: nil
        }
    }
}
