import KubeObject

/// ValidatingAdmissionPolicyBinding and MutatingAdmissionPolicyBinding.
struct AdmissionPolicyBindingRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }
    var isMutating: Bool

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.edit("matchResources") { MatchedResources.setDefaults(&$0) }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        errors.text(spec, "policyName", "spec", Names.subdomain)
        if let reference = spec.present("paramRef") { validateReference(reference, "spec.paramRef", &errors) }
        if let resources = spec.present("matchResources") {
            // The path is upstream's, with its slip.
            MatchedResources.validate(resources, isMutating ? "spec.matchResources" : "spec.matchResouces", &errors)
        }
        if !isMutating { validateActions(spec, "spec.validationActions", &errors) }
    }

    private func validateReference(_ reference: JSON, _ path: String, _ errors: inout FieldErrors) {
        let name = reference.text("name")
        let selector = reference.present("selector")
        let exclusive = "name and selector are mutually exclusive"
        if !name.isEmpty {
            errors.invalid("\(path).name", name, Names.pathSegment(name))
            if selector != nil { errors.forbidden("\(path).name", exclusive) }
        }
        if let selector {
            SelectorValidation.validate(selector, "\(path).selector", &errors)
            if !name.isEmpty { errors.forbidden("\(path).selector", exclusive) }
        }
        if name.isEmpty, selector == nil { errors.required(path, "one of name or selector must be specified") }
        errors.oneOf(
            reference["parameterNotFoundAction"], ["Allow", "Deny"], "\(path).parameterNotFoundAction", isRequired: true)
    }

    private func validateActions(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let actions = spec["validationActions"]?.strings ?? []
        if actions.isEmpty { return errors.required(path) }
        var seen: Set<String> = []
        for (index, action) in actions.enumerated() {
            errors.oneOf(.string(action), ["Audit", "Deny", "Warn"], "\(path)[\(index)]")
            if !seen.insert(action).inserted { errors.duplicate("\(path)[\(index)]", .string(action)) }
        }
        if seen.isSuperset(of: ["Deny", "Warn"]) {
            errors.invalid(
                path, spec["validationActions"],
                "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"
            )
        }
    }
}
