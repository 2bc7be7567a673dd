import KubeObject

/// The names of resources that are counted (`cpu`, `hugepages-2Mi`, `example.com/gpu`), and what each may be used for.
enum ResourceNames {
    private static let compute: Set<String> = ["cpu", "memory", "ephemeral-storage"]
    private static let counted: Set<String> = [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
        "services.nodeports", "services.loadbalancers",
    ]
    private static let quota: Set<String> = counted.union(compute).union(compute.map { "requests.\($0)" })
        .union(compute.map { "limits.\($0)" }).union(["requests.storage"])

    static func isHugePages(_ name: String) -> Bool { name.hasPrefix("hugepages-") }
    static func isQuotaHugePages(_ name: String) -> Bool { isHugePages(name) || name.hasPrefix("requests.hugepages-") }
    static func isStandardQuota(_ name: String) -> Bool { quota.contains(name) || isQuotaHugePages(name) }
    static func isStandard(_ name: String) -> Bool { isStandardQuota(name) || name == "storage" }
    static func isStandardContainer(_ name: String) -> Bool { compute.contains(name) || isHugePages(name) }
    static func isNative(_ name: String) -> Bool { !name.contains("/") || name.contains("kubernetes.io/") }
    static func isOvercommitAllowed(_ name: String) -> Bool { isNative(name) && !isHugePages(name) }
    static func isInteger(_ name: String) -> Bool { counted.contains(name) || isExtended(name) }

    /// A resource that a device plugin or driver offers.
    static func isExtended(_ name: String) -> Bool {
        !isNative(name) && !name.hasPrefix("requests.") && Names.qualified("requests.\(name)").isEmpty
    }

    static func any(_ name: String) -> [String] {
        let problems = Names.qualified(name)
        guard problems.isEmpty, !name.contains("/"), !isStandard(name) else { return problems }
        return ["must be a standard resource type or fully qualified"]
    }

    static func ofQuota(_ name: String) -> [String] {
        any(name) + (name.contains("/") || isStandardQuota(name) ? [] : ["must be a standard resource for quota"])
    }

    static func ofContainer(_ name: String) -> [String] {
        var found = any(name)
        if !name.contains("/") {
            if !isStandardContainer(name) { found.append("must be a standard resource for containers") }
        } else if !isNative(name), !isExtended(name) {
            found.append("doesn't follow extended resource name standard")
        }
        return found
    }
}

/// The amounts of resources.
enum ResourceQuantities {
    /// A quantity that may not be negative, and must be whole where the resource can't be divided.
    static func validate(_ name: String, _ value: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let quantity = quantity(value) else { return }
        if quantity < Quantity(0) {
            errors.invalid(path, .string(quantity.description), "must be greater than or equal to 0")
        }
        if ResourceNames.isInteger(name), quantity.nanos % 1_000_000_000 != 0 {
            errors.invalid(path, .string(quantity.description), "must be an integer")
        }
    }

    /// Whether an amount of huge pages is a positive number of pages.
    static func isWholePages(_ name: String, _ quantity: Quantity) -> Bool {
        guard let size = Result(catching: { try Quantity(String(name.dropFirst("hugepages-".count))) }).value else {
            return false
        }
        return size > Quantity(0) && quantity >= Quantity(0) && quantity.nanos % size.nanos == 0
    }
}

/// A quantity that can be read.
func quantity(_ value: JSON?) -> Quantity? {
    value.flatMap(quantityText).flatMap { text in Result(catching: { try Quantity(text) }).value }
}
