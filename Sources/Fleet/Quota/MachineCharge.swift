import KubeObject
import KubeRegistry

/// What one object is charged for, by one rule for quotas of teams and limits of clusters.
///
/// - A pod that isn't over counts as one pod, with the processor time that it requests and the memory that it is limited to, both as Kubernetes
///   sums a pod up (init containers, sidecars, overhead, the pod's own resources). So each is what the kernel keeps it to: the request is its
///   weight where there is too little time, the limit is where its memory ends.
/// - A container that doesn't say it gets the default, which is written into the pod; so nothing goes uncounted. Of a pod that is given less memory
///   while it runs, what the kernel lets it have counts until that is less, too.
/// - A claim counts with the storage that it requests.
/// - Each port of a service of type `NodePort` or `LoadBalancer`, and each port of the machine that a pod has (`hostPort`), is an exposure: a way in from
///   outside.
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

    static func isServices(_ resource: GroupResource) -> Bool { resource.group.isEmpty && resource.resource == "services" }

    /// Whether objects of a resource may count.
    static func counts(_ resource: GroupResource) -> Bool { isPods(resource) || isClaims(resource) || isServices(resource) }

    static func of(_ object: JSON, _ resource: GroupResource) -> MachineAmounts {
        if isPods(resource) { return pod(object) }
        if isServices(resource) { return service(object) }
        return isClaims(resource) ? claim(object) : MachineAmounts()
    }

    /// Ports are counted as the service asks for them: which numbers they get makes no difference.
    static func service(_ service: JSON) -> MachineAmounts {
        guard ["NodePort", "LoadBalancer"].contains(service[path: "spec", "type"]?.string) else { return MachineAmounts() }
        return MachineAmounts(exposures: Int64(service[path: "spec", "ports"]?.elements.count ?? 0))
    }

    /// How many ports of the machine a pod has.
    private static func hostPorts(_ pod: JSON) -> Int64 {
        var count: Int64 = 0
        for list in ["containers", "initContainers"] {
            for container in pod[path: "spec", list]?.elements ?? [] {
                for port in container["ports"]?.elements ?? [] where port["hostPort"]?.int ?? 0 != 0 { count += 1 }
            }
        }
        return count
    }

    static func pod(_ pod: JSON) -> MachineAmounts {
        if isOver(pod) { return MachineAmounts() }
        var pod = pod
        fill(&pod, cpu: true, memory: true)
        return MachineAmounts(
            pods: 1, cpu: PodResources.requests(of: pod)["cpu"], memory: PodResources.heldLimits(of: pod)["memory"],
            exposures: hostPorts(pod))
    }

    /// Whether something of a pod runs, though its cluster may sleep by now.
    static func isRunning(_ pod: JSON) -> Bool {
        ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"].contains { list in
            pod[path: "status", list]?.elements.contains { $0[path: "state", "running"] != nil } ?? false
        }
    }

    /// Whether nothing of a pod runs any more, or ever will.
    static func isOver(_ pod: JSON) -> Bool { ["Succeeded", "Failed"].contains(pod[path: "status", "phase"]?.string) }

    static func claim(_ claim: JSON) -> MachineAmounts {
        MachineAmounts(storage: ResourceAmounts(claim[path: "spec", "resources", "requests"])["storage"])
    }

    /// Gives containers what they don't say, or say is nothing: for the kernel that is no limit.
    static func fill(_ pod: inout JSON, cpu: Bool, memory: Bool) {
        guard cpu || memory else { return }
        if let whole = pod[path: "spec", "resources"]?.object, !whole.isEmpty { return fillWhole(&pod, cpu: cpu, memory: memory) }
        for list in ["containers", "initContainers"] {
            guard let containers = pod[path: "spec", list]?.elements, !containers.isEmpty else { continue }
            var filled = containers
            var isChanged = false
            for index in filled.indices where fill(container: &filled[index], cpu: cpu, memory: memory) { isChanged = true }
            if isChanged { pod[path: "spec", list] = .array(filled) }
        }
    }

    /// What a pod as a whole says stands for all of its containers: it gets what they would have got together, and they nothing.
    private static func fillWhole(_ pod: inout JSON, cpu: Bool, memory: Bool) {
        var parts = pod
        parts[path: "spec", "resources"] = nil
        fill(&parts, cpu: true, memory: true)
        let whole = pod[path: "spec", "resources"]
        if cpu, !has(whole, "requests", "cpu") {
            pod[path: "spec", "resources", "requests", "cpu"] =
                has(whole, "limits", "cpu")
                ? whole?[path: "limits", "cpu"] : .string("\(PodResources.requests(of: parts)["cpu"])m")
        }
        if memory, !has(whole, "limits", "memory") {
            let limit = PodResources.limits(of: parts)["memory"]
            let request = ResourceAmounts(whole?["requests"])["memory"]
            pod[path: "spec", "resources", "limits", "memory"] = .string("\(max(limit, request))")
            if request == 0 {
                pod[path: "spec", "resources", "requests", "memory"] = .string("\(PodResources.requests(of: parts)["memory"])")
            }
        }
    }

    private static func has(_ resources: JSON?, _ key: String, _ name: String) -> Bool {
        ResourceAmounts(resources?[key])[name] > 0
    }

    private static func fill(container: inout JSON, cpu: Bool, memory: Bool) -> Bool {
        let given = container["resources"]
        var isChanged = false
        if cpu, !has(given, "requests", "cpu") {
            // Kubernetes' own default for a request is the limit.
            container[path: "resources", "requests", "cpu"] =
                has(given, "limits", "cpu") ? given?[path: "limits", "cpu"] : .string(defaultCPU)
            isChanged = true
        }
        if memory, !has(given, "limits", "memory") {
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
