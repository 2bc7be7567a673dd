import KubeObject

/// LimitRange: what one says of another follows.
struct LimitRangeRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.editEach("limits") { limit in
                guard limit.text("type") == "Container" else { return }
                for (name, value) in limit["max"]?.object ?? [:] where limit["default"]?[name] == nil {
                    limit[path: "default", name] = value
                }
                for source in ["default", "min"] {
                    for (name, value) in limit[source]?.object ?? [:] where limit["defaultRequest"]?[name] == nil {
                        limit[path: "defaultRequest", name] = value
                    }
                }
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        var types: Set<String> = []
        errors.each(object[path: "spec", "limits"], "spec.limits") { limit, path, errors in
            let type = limit.text("type")
            let problems = Names.qualified(type)
            errors.invalid("\(path).type", type, problems)
            if problems.isEmpty, !type.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type) {
                errors.invalid("\(path).type", .string(type), "must be a standard limit type or fully qualified")
            }
            if !types.insert(type).inserted { errors.duplicate("\(path).type", .string(type)) }
            validateNames(limit, type, path, &errors)
            let keys = Set(Self.lists.flatMap { (limit[$0]?.object ?? [:]).map(\.key) })
            for key in keys.sorted() { validateAmounts(limit, isPod: type == "Pod", key, path, &errors) }
        }
    }

    private static let lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]

    private func validateNames(_ limit: JSON, _ type: String, _ path: String, _ errors: inout FieldErrors) {
        let rule = type == "Pod" || type == "Container" ? ResourceNames.ofContainer : ResourceNames.any
        for list in Self.lists {
            if type == "Pod", list == "default" || list == "defaultRequest" {
                if limit.has(list) { errors.forbidden("\(path).\(list)", "may not be specified when `type` is 'Pod'") }
                continue
            }
            if list == "maxLimitRequestRatio", type == "PersistentVolumeClaim", limit[path: "min", "storage"] == nil,
                limit[path: "max", "storage"] == nil
            {
                errors.required(
                    "\(path).limits", "either minimum or maximum storage value is required, but neither was provided")
            }
            for name in (limit[list]?.object ?? [:]).map(\.key) {
                errors.invalid("\(path).\(list)[\(name)]", name, rule(name))
            }
        }
    }

    private func validateAmounts(_ limit: JSON, isPod: Bool, _ key: String, _ path: String, _ errors: inout FieldErrors) {
        let least = quantity(limit["min"]?[key])
        let most = quantity(limit["max"]?[key])
        let standard = isPod ? nil : quantity(limit["default"]?[key])
        let request = isPod ? nil : quantity(limit["defaultRequest"]?[key])
        func refuse(_ list: String, _ value: Quantity, _ detail: String) {
            errors.invalid("\(path).\(list)[\(key)]", .string(value.description), detail)
        }
        if let least, let most, least > most {
            refuse("min", least, "min value \(least) is greater than max value \(most)")
        }
        if let request {
            if let least, least > request {
                refuse("defaultRequest", request, "min value \(least) is greater than default request value \(request)")
            }
            if let most, request > most {
                refuse("defaultRequest", request, "default request value \(request) is greater than max value \(most)")
            }
            if let standard, request > standard {
                refuse(
                    "defaultRequest", request, "default request value \(request) is greater than default limit value \(standard)")
            }
        }
        if let standard {
            if let least, least > standard {
                refuse("default", least, "min value \(least) is greater than default value \(standard)")
            }
            if let most, standard > most {
                refuse("default", most, "default value \(standard) is greater than max value \(most)")
            }
        }
        if let ratio = quantity(limit["maxLimitRequestRatio"]?[key]) {
            if ratio < Quantity(1) { refuse("maxLimitRequestRatio", ratio, "ratio \(ratio) is less than 1") }
            if let least, let most, least.nanos != 0 {
                let bound = Double(most.nanos) / Double(least.nanos)
                if Double(ratio.nanos) / 1e9 > bound {
                    refuse("maxLimitRequestRatio", ratio, "ratio \(ratio) is greater than max/min = \(sixPlaces(bound))")
                }
            }
        }
        if !ResourceNames.isOvercommitAllowed(key), let standard, let request, standard != request {
            refuse(
                "defaultRequest", request,
                "default value \(standard) must equal to defaultRequest value \(request) in \(key)")
        }
    }

    /// As C's `%f` prints it.
    private func sixPlaces(_ value: Double) -> String {
        let millionths = Int64((value * 1_000_000).rounded())
        let fraction = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}
