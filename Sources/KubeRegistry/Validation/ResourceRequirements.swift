import KubeObject

/// What is checked of requests and limits.
enum ResourceRequirements {
    /// - Parameters:
    ///   - claims: the names of the pod's resource claims.
    ///   - names: which resources there may be.
    static func validate(
        _ resources: JSON, _ path: String, claims: Set<String>, names: (String) -> [String], _ errors: inout FieldErrors
    ) {
        let limits = resources["limits"]?.object ?? [:]
        let requests = resources["requests"]?.object ?? [:]
        for (name, value) in limits { validateAmount(name, value, "\(path).limits[\(name)]", names, &errors) }
        for (name, value) in requests {
            validateName(name, value, "\(path).requests[\(name)]", names, &errors)
            validateRequest(name, value, limits[name], path, &errors)
            validatePages(name, value, "\(path).requests[\(name)]", &errors)
        }
        let all = Set(limits.map(\.key)).union(requests.map(\.key))
        if all.contains(where: ResourceNames.isHugePages), !all.contains("cpu"), !all.contains("memory") {
            errors.forbidden(path, "HugePages require cpu or memory")
        }
        if let used = resources.present("claims") { validateClaims(used, claims, "\(path).claims", &errors) }
    }

    private static func validateAmount(
        _ name: String, _ value: JSON, _ path: String, _ names: (String) -> [String], _ errors: inout FieldErrors
    ) {
        validateName(name, value, path, names, &errors)
        validatePages(name, value, path, &errors)
    }

    private static func validateName(
        _ name: String, _ value: JSON, _ path: String, _ names: (String) -> [String], _ errors: inout FieldErrors
    ) {
        errors.invalid(path, name, names(name))
        ResourceQuantities.validate(name, value, path, &errors)
    }

    private static func validatePages(_ name: String, _ value: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard ResourceNames.isHugePages(name), let amount = quantity(value) else { return }
        if !ResourceQuantities.isWholePages(name, amount) {
            errors.invalid(path, .string(amount.description), "\(amount) is not positive integer multiple of \(name)")
        }
    }

    private static func validateRequest(
        _ name: String, _ value: JSON, _ limit: JSON?, _ path: String, _ errors: inout FieldErrors
    ) {
        guard let request = quantity(value) else { return }
        let mayOvercommit = ResourceNames.isOvercommitAllowed(name)
        guard let limit = quantity(limit) else {
            if !mayOvercommit { errors.required("\(path).limits", "Limit must be set for non overcommitable resources") }
            return
        }
        if request != limit, !mayOvercommit {
            errors.invalid("\(path).requests", .string(request.description), "must be equal to \(name) limit of \(limit)")
        } else if request > limit {
            errors.invalid(
                "\(path).requests", .string(request.description), "must be less than or equal to \(name) limit of \(limit)")
        }
    }

    private static func validateClaims(_ used: JSON, _ claims: Set<String>, _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        errors.each(used, path) { claim, path, errors in
            let name = claim.text("name")
            if name.isEmpty { return errors.required(path) }
            if seen.contains(name) {
                errors.duplicate(path, .string(name))
            } else {
                let request = claim.text("request")
                errors.optionalText(claim, "request", path, Names.label)
                let key = request.isEmpty ? name : "\(name)/\(request)"
                if seen.contains(key) {
                    errors.duplicate(path, .string(key))
                } else if request.isEmpty, seen.contains(where: { $0.hasPrefix("\(name)/") }) {
                    errors.duplicate(path, .string(name))
                }
                seen.insert(key)
            }
            if !claims.contains(name) {
                let known = claims.isEmpty ? " which is empty" : ": \(claims.sorted().joined(separator: ", "))"
                errors.add(
                    FieldError(.notFound, path, .string(name), "must be one of the names in pod.spec.resourceClaims\(known)"))
            }
        }
    }
}
