import KubeObject

/// Lease.
struct LeaseRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        if let seconds = object[path: "spec", "leaseDurationSeconds"]?.int, seconds <= 0 {
            errors.invalid("spec.leaseDurationSeconds", .int(seconds), "must be greater than 0")
        }
        if let transitions = object[path: "spec", "leaseTransitions"]?.int, transitions < 0 {
            errors.invalid("spec.leaseTransitions", .int(transitions), "must be greater than or equal to 0")
        }
    }
}
