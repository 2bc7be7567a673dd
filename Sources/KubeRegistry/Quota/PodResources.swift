public import KubeObject

/// Amounts of resources by name: cpu in thousandths, everything else in whole units.
public struct ResourceAmounts: Sendable, Equatable {
    public var amounts: [String: Int64] = [:]

    public init() {}

    /// From a `ResourceList`. What isn't a quantity is left out; validation has refused it before.
    public init(_ list: JSON?) {
        for (name, value) in list?.object ?? [:] {
            guard let quantity = Self.quantity(value) else { continue }
            amounts[name] = name == "cpu" ? quantity.milliValue : quantity.value
        }
    }

    private static func quantity(_ value: JSON) -> Quantity? {
        switch value {
        case .string(let text): try? Quantity(text)
        case .int(let number): try? Quantity(String(number))
        case .double(let number): try? Quantity(String(number))
        default: nil
        }
    }

    public subscript(name: String) -> Int64 { amounts[name] ?? 0 }

    public static func += (left: inout ResourceAmounts, right: ResourceAmounts) {
        left.amounts.merge(right.amounts) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    }

    public mutating func formMaximum(_ other: ResourceAmounts) { amounts.merge(other.amounts) { max($0, $1) } }
}

/// What a pod asks of a node.
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
public enum PodResources {
    /// What the pod asks for at least.
    public static func requests(of pod: JSON) -> ResourceAmounts { total(of: pod, "requests") }

    /// What its node has set aside for a pod: less than it asks for, or more, while it waits for a resize (KEP-1287).
    public static func allocated(of pod: JSON) -> ResourceAmounts {
        let allocations = allocations(of: pod)
        let ofPod = ResourceAmounts(pod[path: "status", "allocatedResources"])
        return total(
            of: pod, "requests", ofPod: { ofPod.amounts[$0] ?? $1 }, given: { name, asked in allocations[name] ?? asked })
    }

    /// What a node must have for a pod on it: what it was given or asks for, whichever is more; of a resize that can't be, nothing.
    public static func reserved(of pod: JSON) -> ResourceAmounts {
        let allocations = allocations(of: pod)
        guard !allocations.isEmpty else { return requests(of: pod) }
        let isInfeasible = (pod[path: "status", "conditions"]?.elements ?? []).contains {
            $0["type"]?.string == "PodResizePending" && $0["reason"]?.string == "Infeasible"
        }
        let ofPod = ResourceAmounts(pod[path: "status", "allocatedResources"])
        return total(
            of: pod, "requests",
            ofPod: { name, asked in ofPod.amounts[name].map { isInfeasible ? $0 : max($0, asked) } ?? asked },
            given: { name, asked in
                guard var amounts = allocations[name] else { return asked }
                if !isInfeasible { amounts.formMaximum(asked) }
                return amounts
            })
    }

    /// By the container's name.
    private static func allocations(of pod: JSON) -> [String: ResourceAmounts] {
        var allocations: [String: ResourceAmounts] = [:]
        for list in ["containerStatuses", "initContainerStatuses"] {
            for status in pod[path: "status", list]?.elements ?? [] {
                guard let name = status["name"]?.string, let amounts = status["allocatedResources"] else { continue }
                allocations[name] = ResourceAmounts(amounts)
            }
        }
        return allocations
    }

    /// What the pod may take at most; a resource that some container has no limit for counts only with the others' limits.
    public static func limits(of pod: JSON) -> ResourceAmounts { total(of: pod, "limits") }

    /// The same with what the node keeps containers to by now, where that is more: a limit that is lowered (KEP-1287) holds when the node has
    /// set it.
    public static func heldLimits(of pod: JSON) -> ResourceAmounts {
        var held: [String: ResourceAmounts] = [:]
        for list in ["containerStatuses", "initContainerStatuses"] {
            for status in pod[path: "status", list]?.elements ?? [] {
                guard let name = status["name"]?.string, let limits = status[path: "resources", "limits"] else { continue }
                held[name] = ResourceAmounts(limits)
            }
        }
        let ofPod = ResourceAmounts(pod[path: "status", "resources", "limits"])
        return total(
            of: pod, "limits", ofPod: { max(ofPod[$0], $1) },
            given: { name, asked in
                guard var amounts = held[name] else { return asked }
                amounts.formMaximum(asked)
                return amounts
            })
    }

    /// - Parameters:
    ///   - ofPod: what the pod as a whole has of a resource instead of what its spec says.
    ///   - given: what a container, by its name, has instead of what its spec says.
    private static func total(
        of pod: JSON, _ key: String, ofPod: (_ name: String, _ asked: Int64) -> Int64 = { $1 },
        given: (_ name: String, _ asked: ResourceAmounts) -> ResourceAmounts = { $1 }
    ) -> ResourceAmounts {
        let spec = pod["spec"]
        var total = ResourceAmounts()
        for container in spec?["containers"]?.elements ?? [] {
            total += given(container["name"]?.string ?? "", ResourceAmounts(container[path: "resources", key]))
        }

        var sidecars = ResourceAmounts()
        var peak = ResourceAmounts()
        for container in spec?["initContainers"]?.elements ?? [] {
            let own = given(container["name"]?.string ?? "", ResourceAmounts(container[path: "resources", key]))
            if container["restartPolicy"]?.string == "Always" {
                sidecars += own
                peak.formMaximum(sidecars)
            } else {
                var during = sidecars
                during += own
                peak.formMaximum(during)
            }
        }
        total += sidecars
        total.formMaximum(peak)
        // Requests of the pod as a whole replace the sum of its containers'.
        for (name, amount) in ResourceAmounts(spec?[path: "resources", key]).amounts { total.amounts[name] = ofPod(name, amount) }
        total += ResourceAmounts(spec?["overhead"])
        return total
    }
}
