import KubeObject

/// Kubernetes' amounts as cgroup values, computed as kubelet does.
enum ContainerResources {
    static func linux(_ container: ContainerSpec, pod: Pod, nodeMemory: Int64, cgroups: MachineFacts.CgroupVersion)
        -> CRILinuxContainerResources
    {
        var resources = CRILinuxContainerResources()
        let limits = container.tree[path: "resources", "limits"]
        let requests = container.tree[path: "resources", "requests"]
        let cpuLimit = amount(limits?["cpu"])
        let cpuRequest = amount(requests?["cpu"]) ?? cpuLimit
        resources.cpuShares = shares(milli: cpuRequest?.milliValue ?? 0)
        resources.cpuPeriod = 100_000
        if let milli = cpuLimit?.milliValue, milli > 0 { resources.cpuQuota = max(milli * 100, 1000) }
        if let memory = amount(limits?["memory"])?.value, memory > 0 {
            resources.memoryLimitInBytes = memory
            resources.memorySwapLimitInBytes = memory
        }
        resources.oomScoreAdj = oomScore(pod: pod, memoryRequest: amount(requests?["memory"])?.value ?? 0, nodeMemory: nodeMemory)
        if cgroups == .v2 { resources.unified = ["memory.oom.group": "1"] }
        return resources
    }

    /// What a sandbox may have, which runs all containers of a pod in one process: of each resource that all of them have a limit of, the sum.
    static func sandbox(_ pod: Pod) -> Cgroups.Limit {
        func sum(_ resource: String, _ value: (Quantity) -> Int64) -> Int64? {
            var sum: Int64 = 0
            for container in pod.containers {
                guard let limit = amount(container.tree[path: "resources", "limits", resource]) else { return nil }
                sum += value(limit)
            }
            return sum
        }
        return Cgroups.Limit(
            memory: sum("memory") { $0.value }.map { $0 + sandboxMemory },
            processor: sum("cpu") { $0.milliValue }.map { max($0 * 100, 1000) })
    }

    /// What the sandbox itself takes.
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
