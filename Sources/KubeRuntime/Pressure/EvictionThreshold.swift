public import KubeObject

/// What of the machine may run short, by the names that kubelet's options have for it.
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals
public enum EvictionSignal: String, Sendable, CaseIterable {
    case memory = "memory.available"
    case nodeDisk = "nodefs.available"
    case nodeInodes = "nodefs.inodesFree"
    case imageDisk = "imagefs.available"
    case imageInodes = "imagefs.inodesFree"
    case processes = "pid.available"

    /// What eviction messages call it.
    var resource: String {
        switch self {
        case .memory: "memory"
        case .nodeDisk, .imageDisk: "ephemeral-storage"
        case .nodeInodes, .imageInodes: "inodes"
        case .processes: "pids"
        }
    }

    var condition: PressureCondition {
        switch self {
        case .memory: .memory
        case .nodeDisk, .nodeInodes, .imageDisk, .imageInodes: .disk
        case .processes: .processes
        }
    }
}

/// Below which amount of something pods have to go: at once (`--eviction-hard`), or when it has been so for a while (`--eviction-soft`).
public struct EvictionThreshold: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        /// In bytes, or a number.
        case amount(Int64)
        /// Of what the machine has, from 0 to 100.
        case percentage(Double)
    }

    public var signal: EvictionSignal
    public var value: Value
    /// For how many seconds it must have been so; nil for a hard one, whose pods aren't given time to end either.
    public var grace: Double?
    /// How much more there must be again than the threshold until no more pods go (`--eviction-minimum-reclaim`).
    public var reclaim: Value?

    public init(_ signal: EvictionSignal, _ value: Value, grace: Double? = nil, reclaim: Value? = nil) {
        self.signal = signal
        self.value = value
        self.grace = grace
        self.reclaim = reclaim
    }

    /// Kubelet's own on Linux.
    public static let standard = [
        EvictionThreshold(.memory, .amount(100 << 20)), EvictionThreshold(.nodeDisk, .percentage(10)),
        EvictionThreshold(.nodeInodes, .percentage(5)), EvictionThreshold(.imageDisk, .percentage(15)),
        EvictionThreshold(.imageInodes, .percentage(5)),
    ]

    func quantity(capacity: Int64) -> Quantity { Quantity(Self.amount(value, of: capacity), format: .binary) }

    /// What there must be at least for it not to be crossed.
    ///
    /// - Parameter resolving: whether pods have gone for it, so that there must be the reclaim as well.
    func least(capacity: Int64, resolving: Bool) -> Int64 {
        let least = Self.amount(value, of: capacity)
        guard resolving, let reclaim else { return least }
        let (sum, isTooMuch) = least.addingReportingOverflow(Self.amount(reclaim, of: capacity))
        return isTooMuch ? .max : sum
    }

    static func amount(_ value: Value, of capacity: Int64) -> Int64 {
        switch value {
        case .amount(let amount): amount
        // Kubelet keeps the part in 32 bits.
        case .percentage(let part): Int64(saturating: Double(capacity) * Double(Float(part) / 100))
        }
    }

    /// Reads kubelet's syntax: `memory.available<100Mi,nodefs.available<10%`. Empty for none; those of nothing (`0%`) are none, either.
    ///
    /// - Throws: what is wrong, with kubelet's words.
    public static func parse(_ text: String) throws(ObjectError) -> [EvictionThreshold] {
        var thresholds: [EvictionThreshold] = []
        var seen: Set<EvictionSignal> = []
        for statement in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = statement.split(separator: "<", omittingEmptySubsequences: false).map { $0.trimmed }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw ObjectError("\(statement) isn't SIGNAL<QUANTITY, such as memory.available<100Mi")
            }
            guard let signal = EvictionSignal(rawValue: parts[0]) else {
                throw ObjectError(
                    "unsupported eviction signal \(parts[0]): it is one of \(EvictionSignal.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            guard seen.insert(signal).inserted else { throw ObjectError("\(signal.rawValue) is given twice") }
            if parts[1].hasSuffix("%") {
                guard let part = Double(parts[1].dropLast()), part >= 0, part < 100 else {
                    throw ObjectError("eviction percentage threshold \(signal.rawValue) must be >= 0% and < 100%: \(parts[1])")
                }
                if part > 0 { thresholds.append(EvictionThreshold(signal, .percentage(part))) }
            } else {
                let amount = try Quantity(parts[1]).value
                guard amount >= 0 else {
                    throw ObjectError("eviction threshold \(signal.rawValue) must be positive: \(parts[1])")
                }
                thresholds.append(EvictionThreshold(signal, .amount(amount)))
            }
        }
        return thresholds
    }
}
