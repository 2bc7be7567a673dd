public import KubeObject

/// What objects use of the resources that a `ResourceQuota` limits.
/// Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
public enum QuotaUsage {
    /// By the quota's name of a resource, how much one object uses.
    ///
    /// - Parameters:
    ///   - resource: the object's resource.
    ///   - now: seconds since 1970.
    public static func of(_ object: JSON, _ resource: GroupResource, now: Double) -> [String: Quantity] {
        var usage: [String: Quantity] = ["count/\(resource)": Quantity(1)]
        switch (resource.group, resource.resource) {
        case ("", "pods"):
            guard countsAsRunning(object, now: now) else { return usage }
            usage["pods"] = Quantity(1)
            add(PodResources.requests(of: object), to: &usage, "requests.")
            add(PodResources.limits(of: object), to: &usage, "limits.")
            for name in ["cpu", "memory", "ephemeral-storage"] { usage[name] = usage["requests.\(name)"] }
        case ("", "services"):
            usage["services"] = Quantity(1)
            let type = object[path: "spec", "type"]?.string
            let ports = Int64(object[path: "spec", "ports"]?.elements.count ?? 0)
            if type == "NodePort" { usage["services.nodeports"] = Quantity(ports) }
            if type == "LoadBalancer" {
                usage["services.loadbalancers"] = Quantity(1)
                let allocates = object[path: "spec", "allocateLoadBalancerNodePorts"]?.bool ?? true
                usage["services.nodeports"] = Quantity(allocates ? ports : 0)
            }
        case ("", "persistentvolumeclaims"):
            usage["persistentvolumeclaims"] = Quantity(1)
            let storage = (object[path: "spec", "resources", "requests", "storage"]?.string).flatMap(quantity)
            if let storage { usage["requests.storage"] = storage }
            if let name = object[path: "spec", "storageClassName"]?.string, !name.isEmpty {
                usage["\(name).storageclass.storage.k8s.io/persistentvolumeclaims"] = Quantity(1)
                if let storage { usage["\(name).storageclass.storage.k8s.io/requests.storage"] = storage }
            }
        case ("", "configmaps"), ("", "secrets"), ("", "replicationcontrollers"), ("", "resourcequotas"):
            usage[resource.resource] = Quantity(1)
        default: break
        }
        return usage
    }

    /// Whether a quota with these scopes counts a pod; a quota with scopes counts nothing but pods (and claims, which have none).
    public static func matchesScopes(_ quota: JSON, pod: JSON) -> Bool {
        let spec = quota["spec"]
        let simple = (spec?["scopes"]?.strings ?? []).map { (scope: $0, operator: "Exists", values: [String]()) }
        let selected = (spec?[path: "scopeSelector", "matchExpressions"]?.elements ?? []).map {
            (
                scope: $0["scopeName"]?.string ?? "", operator: $0["operator"]?.string ?? "Exists",
                values: $0["values"]?.strings ?? []
            )
        }
        return (simple + selected).allSatisfy { matches($0.scope, $0.operator, $0.values, pod) }
    }

    /// Whether a quota has scopes, and so counts pods only.
    public static func hasScopes(_ quota: JSON) -> Bool {
        !(quota[path: "spec", "scopes"]?.elements.isEmpty ?? true)
            || !(quota[path: "spec", "scopeSelector", "matchExpressions"]?.elements.isEmpty ?? true)
    }

    private static func matches(_ scope: String, _ operation: String, _ values: [String], _ pod: JSON) -> Bool {
        let spec = pod["spec"]
        switch scope {
        case "Terminating": return spec?["activeDeadlineSeconds"]?.int != nil
        case "NotTerminating": return spec?["activeDeadlineSeconds"]?.int == nil
        case "BestEffort": return isBestEffort(spec)
        case "NotBestEffort": return !isBestEffort(spec)
        case "PriorityClass":
            let name = spec?["priorityClassName"]?.string ?? ""
            switch operation {
            case "In": return values.contains(name)
            case "NotIn": return !values.contains(name)
            case "DoesNotExist": return name.isEmpty
            default: return !name.isEmpty
            }
        case "CrossNamespacePodAffinity":
            return ["podAffinity", "podAntiAffinity"].contains { kind in
                let affinity = spec?[path: "affinity", kind]
                let required = affinity?["requiredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []
                let preferred = (affinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.elements ?? []).compactMap {
                    $0["podAffinityTerm"]
                }
                return (required + preferred).contains {
                    !($0["namespaces"]?.elements.isEmpty ?? true) || ($0["namespaceSelector"].map { !$0.isNull } ?? false)
                }
            }
        default: return false
        }
    }

    private static func isBestEffort(_ spec: JSON?) -> Bool {
        ((spec?["containers"]?.elements ?? []) + (spec?["initContainers"]?.elements ?? [])).allSatisfy { container in
            ["requests", "limits"].allSatisfy { key in
                let amounts = ResourceAmounts(container[path: "resources", key])
                return amounts["cpu"] == 0 && amounts["memory"] == 0
            }
        }
    }

    /// A pod that has ended, or whose time to end is over, uses nothing.
    private static func countsAsRunning(_ pod: JSON, now: Double) -> Bool {
        let phase = pod[path: "status", "phase"]?.string
        if phase == "Succeeded" || phase == "Failed" { return false }
        guard let time = (pod[path: "metadata", "deletionTimestamp"]?.string).flatMap({ Timestamp.parse($0) }) else {
            return true
        }
        return now < time
    }

    private static func add(_ amounts: ResourceAmounts, to usage: inout [String: Quantity], _ prefix: String) {
        for (name, amount) in amounts.amounts {
            usage[prefix + name] = name == "cpu" ? Quantity(milliValue: amount) : Quantity(amount, format: format(name))
        }
    }

    private static func format(_ name: String) -> Quantity.Format {
        name == "memory" || name == "ephemeral-storage" || name.hasPrefix("hugepages-") ? .binary : .decimal
    }

    private static func quantity(_ text: String) -> Quantity? { try? Quantity(text) }
}
