import KubeObject

/// PriorityClass.
struct PriorityClassRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) { object.setDefaultText("preemptionPolicy", "PreemptLowerPriority") }

    /// The system's own classes, which are as upstream makes them.
    private static let known: [String: Int64] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let name = object["metadata"]?.text("name") ?? ""
        let value = object["value"]?.int ?? 0
        if name.hasPrefix("system-") {
            if let problem = systemProblem(object, name, value) {
                errors.forbidden(
                    "metadata.name",
                    "priority class names with 'system-' prefix are reserved for system use only. error: \(problem)")
            }
        } else if value > 1_000_000_000 {
            errors.forbidden("value", "maximum allowed value of a user defined priority is 1000000000")
        }
        errors.oneOf(object["preemptionPolicy"], ["PreemptLowerPriority", "Never"], "preemptionPolicy", isRequired: true)
    }

    private func systemProblem(_ object: JSON, _ name: String, _ value: Int64) -> String? {
        guard let known = Self.known[name] else { return "\(name) is not a known system priority class" }
        if known != value { return "value of \(name) PriorityClass must be \(known)" }
        if object["globalDefault"]?.bool == true { return "globalDefault of \(name) PriorityClass must be false" }
        return nil
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let new = object["value"]?.int ?? 0
        if new != old["value"]?.int ?? 0 { errors.forbidden("value", "may not be changed in an update.") }
        errors.immutable(object["preemptionPolicy"], old["preemptionPolicy"], "preemptionPolicy")
    }
}
