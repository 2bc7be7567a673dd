import KubeObject

/// What quotas and clusters' limits count of a machine.
enum MachineResource: String, CaseIterable, Sendable {
    case pods, cpu, memory, storage
    /// Ways in from outside: node ports, and ports of the machine.
    case exposures

    /// Whether a cluster that sleeps goes on having it.
    var outlastsSleep: Bool { self == .storage || self == .exposures }

    /// Whether it is counted in ones.
    var isCount: Bool { self == .pods || self == .exposures }
}

/// Amounts of each: pods and exposures; cpu in thousandths; memory and storage in bytes. None is ever negative.
struct MachineAmounts: Sendable, Equatable {
    private var values = SIMD8<Int64>()

    init() {}

    init(pods: Int64 = 0, cpu: Int64 = 0, memory: Int64 = 0, storage: Int64 = 0, exposures: Int64 = 0) {
        values = SIMD8(max(pods, 0), max(cpu, 0), max(memory, 0), max(storage, 0), max(exposures, 0), 0, 0, 0)
    }

    subscript(resource: MachineResource) -> Int64 {
        get { values[Self.index(resource)] }
        set { values[Self.index(resource)] = max(newValue, 0) }
    }

    var isZero: Bool { values == SIMD8() }

    static func += (left: inout MachineAmounts, right: MachineAmounts) {
        for index in left.values.indices {
            let (sum, overflow) = left.values[index].addingReportingOverflow(right.values[index])
            left.values[index] = overflow ? .max : sum
        }
    }

    /// No less than nothing is left.
    static func -= (left: inout MachineAmounts, right: MachineAmounts) {
        for index in left.values.indices { left.values[index] = max(left.values[index] - right.values[index], 0) }
    }

    static func + (left: MachineAmounts, right: MachineAmounts) -> MachineAmounts {
        var sum = left
        sum += right
        return sum
    }

    static func - (left: MachineAmounts, right: MachineAmounts) -> MachineAmounts {
        var rest = left
        rest -= right
        return rest
    }

    private static func index(_ resource: MachineResource) -> Int {
        switch resource {
        case .pods: 0
        case .cpu: 1
        case .memory: 2
        case .storage: 3
        case .exposures: 4
        }
    }

    /// As a Kubernetes quantity: `250m`, `1536Mi`.
    static func text(_ amount: Int64, _ resource: MachineResource) -> String {
        switch resource {
        case .pods, .exposures: String(amount)
        case .cpu: Quantity(milliValue: amount).description
        case .memory, .storage: Quantity(amount, format: .binary).description
        }
    }

    /// All of them, as a status has them.
    var tree: JSON {
        var tree: JSON = [:]
        for resource in MachineResource.allCases {
            tree[resource.rawValue] =
                resource.isCount ? .int(self[resource]) : .string(Self.text(self[resource], resource))
        }
        return tree
    }
}

/// The most that may be had of each; what isn't in it isn't limited.
struct MachineLimits: Sendable, Equatable {
    private(set) var limits: [MachineResource: Int64] = [:]

    /// From an object's part such as a team's `spec.quota`. What can't be read isn't a limit; admission refused it.
    init(_ tree: JSON?) {
        guard let tree, tree.object != nil else { return }
        for resource in MachineResource.allCases {
            guard let value = tree[resource.rawValue], let amount = Self.amount(value, resource), amount >= 0 else { continue }
            limits[resource] = amount
        }
    }

    var isEmpty: Bool { limits.isEmpty }

    subscript(resource: MachineResource) -> Int64? { limits[resource] }

    private static func amount(_ value: JSON, _ resource: MachineResource) -> Int64? {
        if resource.isCount { return value.int }
        guard let quantity = quantity(value) else { return nil }
        return resource == .cpu ? quantity.milliValue : quantity.value
    }

    private static func quantity(_ value: JSON) -> Quantity? {
        let text: String
        switch value {
        case .string(let given): text = given
        case .int(let number): text = String(number)
        case .double(let number): text = String(number)
        default: return nil
        }
        do { return try Quantity(text) } catch { return nil }
    }

    /// What is wrong with an object's part.
    ///
    /// - Parameter path: where it is, as `spec.quota`.
    static func errors(in tree: JSON?, path: String) -> [FieldError] {
        MachineResource.allCases.compactMap { resource in
            guard let value = tree?[resource.rawValue], value != .null else { return nil }
            let field = "\(path).\(resource.rawValue)"
            guard let amount = amount(value, resource) else {
                return .invalid(field, value, resource.isCount ? "must be a number" : "must be a quantity, such as 500m or 4Gi")
            }
            return amount < 0 ? .invalid(field, value, "must be greater than or equal to 0") : nil
        }
    }
}
