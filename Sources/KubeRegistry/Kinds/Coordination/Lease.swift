import KubeObject

/// Lease.
struct LeaseRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if let seconds = spec["leaseDurationSeconds"]?.int, seconds <= 0 {
            errors.invalid("spec.leaseDurationSeconds", .int(seconds), "must be greater than 0")
        }
        errors.nonnegative(spec["leaseTransitions"], "spec.leaseTransitions")
        if let strategy = spec.present("strategy")?.string {
            // A strategy of somebody's own has a domain.
            if strategy.contains("/") {
                errors.invalid("spec.strategy", strategy, Names.qualified(strategy))
            } else if strategy != "OldestEmulationVersion" {
                errors.notSupported("spec.strategy", .string(strategy), ["OldestEmulationVersion"])
            }
        }
        if spec.has("preferredHolder"), !spec.has("strategy") {
            errors.forbidden("spec.preferredHolder", "may only be specified when `strategy` is defined")
        }
    }
}
