public import KubeObject

/// What of the machine isn't for pods, by kubelet's options `--kube-reserved` and `--system-reserved`, and what is therefore left to allocate.
/// Source: https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#node-allocatable
public struct NodeReservation: Sendable, Equatable {
    /// What can be reserved.
    public enum Resource: String, Sendable, CaseIterable {
        case cpu, memory
        case disk = "ephemeral-storage"
        /// Processes and threads.
        case pid
    }

    private var amounts: [Resource: Quantity] = [:]

    /// Reserves nothing.
    public init() {}

    /// - Parameters:
    ///   - kube: as `cpu=200m,memory=500Mi,ephemeral-storage=1Gi,pid=1000`; empty for nothing.
    ///   - system: the same. Both are reserved.
    /// - Throws: which option is wrong, and why, with kubelet's words.
    public init(kube: String, system: String) throws(ObjectError) {
        for (option, text) in [("--kube-reserved", kube), ("--system-reserved", system)] {
            do throws(ObjectError) {
                for (resource, amount) in try Self.parse(text) { amounts[resource] = (amounts[resource] ?? Quantity(0)) + amount }
            } catch {
                throw ObjectError("\(option) \(text): \(error)")
            }
        }
    }

    private static func parse(_ text: String) throws(ObjectError) -> [Resource: Quantity] {
        var found: [Resource: Quantity] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { $0.trimmed }
            guard parts.count == 2, !parts[0].isEmpty else { throw ObjectError("\(entry) isn't RESOURCE=QUANTITY") }
            guard let resource = Resource(rawValue: parts[0]) else {
                throw ObjectError("cannot reserve \"\(parts[0])\" resource")
            }
            guard found[resource] == nil else { throw ObjectError("\(parts[0]) is given twice") }
            let amount: Quantity
            do throws(ObjectError) { amount = try Quantity(parts[1]) } catch {
                throw ObjectError("failed to parse quantity \"\(parts[1])\" for \"\(parts[0])\" resource: \(error)")
            }
            guard amount >= Quantity(0) else {
                throw ObjectError("resource quantity for \"\(parts[0])\" cannot be negative: \(parts[1])")
            }
            found[resource] = amount
        }
        return found
    }

    /// That the machine has what is reserved of it.
    ///
    /// - Throws: what it hasn't, with kubelet's words.
    public func check(_ facts: NodeFacts) throws(ObjectError) {
        let capacities: [(Resource, Int64)] = [
            (.cpu, Int64(facts.cpus)), (.memory, facts.memory), (.disk, facts.ephemeralStorage),
        ]
        for (resource, capacity) in capacities {
            guard let amount = amounts[resource], amount > Quantity(capacity) else { continue }
            throw ObjectError(
                "invalid Node Allocatable configuration. Resource \"\(resource.rawValue)\" has a reservation of \(amount) but capacity of \(capacity). Expected capacity >= reservation"
            )
        }
    }

    /// What is left of a node's capacity: without what is reserved, and without what the hard eviction thresholds keep free.
    func allocatable(of capacity: JSON, thresholds: [EvictionThreshold]) -> JSON {
        var left = capacity
        for resource in Resource.allCases {
            guard let text = capacity[resource.rawValue]?.string, let all = try? Quantity(text) else { continue }
            let rest = self.left(resource, of: all, thresholds: thresholds)
            if rest != all { left[resource.rawValue] = .string("\(rest)") }
        }
        return left
    }

    /// The same of one resource, in whole units.
    func leaves(_ resource: Resource, of capacity: Int64, thresholds: [EvictionThreshold]) -> Int64 {
        left(resource, of: Quantity(capacity, format: .binary), thresholds: thresholds).value
    }

    /// What is left of the processors.
    func processors(of count: Int) -> Quantity { left(.cpu, of: Quantity(Int64(count)), thresholds: []) }

    private func left(_ resource: Resource, of capacity: Quantity, thresholds: [EvictionThreshold]) -> Quantity {
        var left = capacity
        if let amount = amounts[resource] { left -= amount }
        let signal: EvictionSignal? =
            switch resource {
            case .memory: .memory
            case .disk: .nodeDisk
            case .cpu, .pid: nil
            }
        if let threshold = thresholds.first(where: { $0.signal == signal && $0.grace == nil }) {
            left -= threshold.quantity(capacity: capacity.value)
        }
        return max(left, Quantity(0, format: capacity.format))
    }
}
