import KubeObject
import KubeRegistry

/// What one object is charged for, by one rule for quotas of teams and limits of clusters.
///
/// - A pod that isn't over counts as one pod, with the processor time that it requests and the memory that it is limited to, both as Kubernetes
///   sums a pod up (init containers, sidecars, overhead, the pod's own resources). So each is what the kernel keeps it to: the request is its
///   weight where there is too little time, the limit is where its memory ends.
/// - A container that doesn't say it gets the default, which is written into the pod; so nothing goes uncounted.
/// - A claim counts with the storage that it requests.
///
/// Pure.
enum MachineCharge {
    /// Of a container that requests no processor time, in thousandths.
    static let defaultCPU = "10m"
    /// What a container that says nothing of memory requests.
    static let defaultMemoryRequest = "64Mi"
    /// The limit of a container without one, unless it requests more.
    static let defaultMemoryLimit = "256Mi"

    static func isPods(_ resource: GroupResource) -> Bool { resource.group.isEmpty && resource.resource == "pods" }
    static func isClaims(_ resource: GroupResource) -> Bool {
        resource.group.isEmpty && resource.resource == "persistentvolumeclaims"
    }

    static func of(_ object: JSON, _ resource: GroupResource) -> MachineAmounts {
        if isPods(resource) { return pod(object) }
        return isClaims(resource) ? claim(object) : MachineAmounts()
    }

    static func pod(_ pod: JSON) -> MachineAmounts {
        if isOver(pod) { return MachineAmounts() }
        var pod = pod
        fill(&pod, cpu: true, memory: true)
        return MachineAmounts(pods: 1, cpu: PodResources.requests(of: pod)["cpu"], memory: PodResources.limits(of: pod)["memory"])
    }

    /// Whether nothing of a pod runs any more, or ever will.
    static func isOver(_ pod: JSON) -> Bool { ["Succeeded", "Failed"].contains(pod[path: "status", "phase"]?.string) }

    static func claim(_ claim: JSON) -> MachineAmounts {
        MachineAmounts(storage: ResourceAmounts(claim[path: "spec", "resources", "requests"])["storage"])
    }

    /// Gives containers what they don't say.
    static func fill(_ pod: inout JSON, cpu: Bool, memory: Bool) {
        // What the pod as a whole says stands for all of its containers.
        let whole = pod[path: "spec", "resources"]
        let cpu = cpu && whole?[path: "requests", "cpu"] == nil
        let memory = memory && whole?[path: "limits", "memory"] == nil
        guard cpu || memory else { return }
        for list in ["containers", "initContainers"] {
            guard let containers = pod[path: "spec", list]?.elements, !containers.isEmpty else { continue }
            var filled = containers
            var isChanged = false
            for index in filled.indices where fill(container: &filled[index], cpu: cpu, memory: memory) { isChanged = true }
            if isChanged { pod[path: "spec", list] = .array(filled) }
        }
    }

    private static func fill(container: inout JSON, cpu: Bool, memory: Bool) -> Bool {
        let given = container["resources"]
        var isChanged = false
        if cpu, given?[path: "requests", "cpu"] == nil {
            // Kubernetes' own default for a request is the limit.
            container[path: "resources", "requests", "cpu"] = given?[path: "limits", "cpu"] ?? .string(defaultCPU)
            isChanged = true
        }
        if memory, given?[path: "limits", "memory"] == nil {
            let request = ResourceAmounts(given?["requests"])["memory"]
            let standard = ResourceAmounts(["memory": .string(defaultMemoryLimit)])["memory"]
            container[path: "resources", "limits", "memory"] =
                request > standard ? given?[path: "requests", "memory"] : .string(defaultMemoryLimit)
            if given?[path: "requests", "memory"] == nil {
                container[path: "resources", "requests", "memory"] = .string(defaultMemoryRequest)
            }
            isChanged = true
        }
        return isChanged
    }
}
