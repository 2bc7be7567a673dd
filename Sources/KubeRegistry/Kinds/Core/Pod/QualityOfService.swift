import KubeObject

/// A pod's quality-of-service class, from the requests and limits of its containers.
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
enum QualityOfService {
    static func `class`(of spec: JSON) -> String {
        let podLevel = spec["resources"]
        let holders: [JSON] =
            podLevel.map { $0.has("requests") || $0.has("limits") } ?? false
            ? [["resources": podLevel ?? [:]]]
            : (spec["containers"]?.elements ?? []) + (spec["initContainers"]?.elements ?? [])
        var requests: [String: Quantity] = [:]
        var limits: [String: Quantity] = [:]
        var isGuaranteed = true
        for holder in holders {
            add(holder["resources"]?["requests"], to: &requests)
            let counted = add(holder["resources"]?["limits"], to: &limits)
            if counted != ["cpu", "memory"] { isGuaranteed = false }
        }
        if requests.isEmpty, limits.isEmpty { return "BestEffort" }
        guard isGuaranteed, requests.count == limits.count else { return "Burstable" }
        return requests.allSatisfy { limits[$0.key] == $0.value } ? "Guaranteed" : "Burstable"
    }

    @discardableResult
    private static func add(_ list: JSON?, to sums: inout [String: Quantity]) -> Set<String> {
        var counted: Set<String> = []
        for name in ["cpu", "memory"] {
            guard let text = list?[name].flatMap(quantityText), let quantity = Result(catching: { try Quantity(text) }).value,
                quantity > Quantity(0)
            else { continue }
            sums[name] = (sums[name] ?? Quantity(0)) + quantity
            counted.insert(name)
        }
        return counted
    }
}

/// A quantity as text; clients may send numbers.
func quantityText(_ value: JSON) -> String? {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): "\(number)"
    default: nil
    }
}
