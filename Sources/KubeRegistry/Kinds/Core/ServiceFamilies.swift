import KubeObject

/// What is made and checked of a service's addresses and their families. The primary family is IPv4.
/// Source: https://kubernetes.io/docs/concepts/services-networking/dual-stack/
enum ServiceFamilies {
    /// Fills in what follows from what is given and from what the server has.
    ///
    /// - Parameters:
    ///   - old: the spec that it replaces.
    ///   - isDualStack: whether the server has addresses of IPv6 for services.
    /// - Returns: what is wrong; then the spec is as it was.
    static func complete(_ spec: inout JSON, old: JSON?, isDualStack: Bool) -> [FieldError] {
        if spec.text("type") == "ExternalName" { return [] }
        // A server that has got, or lost, a family doesn't change services that ask for what there is.
        if let old, isAsBefore(spec, old) { return [] }
        var new = spec
        let isSelectorlessHeadless = new.text("clusterIP") == "None" && !new.has("selector")
        new.setDefaultText("ipFamilyPolicy", isSelectorlessHeadless ? "RequireDualStack" : "SingleStack")
        let policy = new.text("ipFamilyPolicy")
        var errors = FieldErrors()
        validateAddresses(new, &errors)
        if !errors.isEmpty { return errors.list }
        if let old { follow(old, &new, policy, &errors) }
        if policy == "SingleStack" {
            for key in ["clusterIPs", "ipFamilies"] where count(new, key) == 2 {
                errors.invalid(
                    "spec.ipFamilyPolicy", .string(policy),
                    "must be RequireDualStack or PreferDualStack when multiple '\(key)' are specified")
            }
        }
        var families = new["ipFamilies"]?.strings ?? []
        for (index, address) in (new["clusterIPs"]?.strings ?? []).enumerated() where address != "None" && index >= families.count
        {
            let family = Addresses.isIPv6(address) ? "IPv6" : "IPv4"
            if family == "IPv6", !isDualStack {
                errors.invalid(
                    "spec.clusterIPs[\(index)]", new["clusterIPs"] ?? [], "\(family) is not configured on this cluster")
            } else {
                families.append(family)
            }
        }
        if !errors.isEmpty { return errors.list }
        if !isSelectorlessHeadless {
            if policy == "RequireDualStack", !isDualStack {
                errors.invalid("spec.ipFamilyPolicy", .string(policy), "this cluster is not configured for dual-stack services")
            }
            for (index, family) in families.enumerated() where family == "IPv6" && !isDualStack {
                errors.invalid("spec.ipFamilies[\(index)]", .string(family), "not configured on this cluster")
            }
            if !errors.isEmpty { return errors.list }
        }
        if families.isEmpty { families = ["IPv4"] }
        // Without a selector there is nothing that would have to have an address.
        if policy != "SingleStack", families.count == 1, isDualStack || isSelectorlessHeadless {
            families.append(families[0] == "IPv4" ? "IPv6" : "IPv4")
        }
        new["ipFamilies"] = JSON(families)
        spec = new
        return []
    }

    /// Whether it prefers both families, as before, and has what it had.
    private static func isAsBefore(_ spec: JSON, _ old: JSON) -> Bool {
        old.text("type") != "ExternalName" && spec.text("ipFamilyPolicy") == "PreferDualStack"
            && old.text("ipFamilyPolicy") == "PreferDualStack" && isSame(spec, old, "clusterIPs")
            && isSame(spec, old, "ipFamilies")
    }

    private static func isSame(_ spec: JSON, _ old: JSON, _ key: String) -> Bool {
        spec[key]?.strings ?? [] == old[key]?.strings ?? []
    }

    private static func count(_ spec: JSON, _ key: String) -> Int { spec[key]?.elements.count ?? 0 }

    /// Gives up what a service no longer wants; nothing is given up unless the policy says so.
    private static func follow(_ old: JSON, _ spec: inout JSON, _ policy: String, _ errors: inout FieldErrors) {
        for (key, name) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
            if policy == "SingleStack" {
                if isSame(spec, old, key), count(spec, key) > 1, let first = spec[key]?[0] { spec[key] = [first] }
            } else if count(old, key) == 2, count(spec, key) == 1 {
                errors.invalid(
                    "spec.ipFamilyPolicy", .string(policy), "must be 'SingleStack' to release the secondary \(name)")
            }
        }
    }

    static func validateAddresses(_ spec: JSON, _ errors: inout FieldErrors) {
        if spec.text("type") == "ExternalName" { return }
        let path = "spec.clusterIPs"
        let list = spec["clusterIPs"] ?? []
        let addresses = list.strings
        let address = spec.text("clusterIP")
        if address.isEmpty {
            if !addresses.isEmpty { errors.invalid(path, list, "must be empty when `clusterIP` is not specified") }
        } else if let first = addresses.first {
            if first != address { errors.invalid(path, list, "first value must match `clusterIP`") }
        } else {
            errors.required(path)
        }
        let families = ["IPv4", "IPv6"]
        var seen: Set<String> = []
        errors.each(spec["ipFamilies"], "spec.ipFamilies") { family, path, errors in
            let name = family.string ?? ""
            if !families.contains(name) { errors.notSupported(path, family, families) }
            if !seen.insert(name).inserted { errors.duplicate(path, family) }
        }
        let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"]
        errors.oneOf(spec["ipFamilyPolicy"], policies, "spec.ipFamilyPolicy")
        var isInvalid = false
        for (index, address) in addresses.enumerated() {
            if index == 0, address == "None" {
                if addresses.count > 1 {
                    isInvalid = true
                    errors.invalid(path, list, "'None' must be the first and only value")
                }
                continue
            }
            let problems = Addresses.ip(address)
            if !problems.isEmpty { isInvalid = true }
            errors.invalid("\(path)[\(index)]", address, problems)
        }
        if addresses.count > 2 { errors.invalid(path, list, "may only hold up to 2 values") }
        if isInvalid { return }
        if addresses.count > 1, Addresses.isDualStack(addresses) != true {
            errors.invalid(path, list, "may specify no more than one IP for each IP family")
        }
        if addresses == ["None"] { return }
        for (index, (address, family)) in zip(addresses, spec["ipFamilies"]?.strings ?? []).enumerated()
        where families.contains(family) && (family == "IPv6") != Addresses.isIPv6(address) {
            errors.invalid(
                "\(path)[\(index)]", .string(address), "expected an \(family) value as indicated by `ipFamilies[\(index)]`")
        }
    }

    /// A second address may come and go; the first stays, unless the type changes from or to ExternalName.
    static func validateUpdate(_ spec: JSON, old: JSON, _ errors: inout FieldErrors) {
        if spec.text("type") == "ExternalName" || old.text("type") == "ExternalName" { return }
        let isHeadless = spec["clusterIPs"]?.strings == ["None"]
        let wasHeadless = old["clusterIPs"]?.strings == ["None"]
        if isHeadless, wasHeadless { return }
        check(spec, old, "clusterIPs", "clusterIP", indexed: true, &errors)
        if isHeadless == wasHeadless { check(spec, old, "ipFamilies", "ipFamily", indexed: false, &errors) }
    }

    private static func check(
        _ spec: JSON, _ old: JSON, _ key: String, _ name: String, indexed: Bool, _ errors: inout FieldErrors
    ) {
        let now = spec[key]?.strings ?? []
        let before = old[key]?.strings ?? []
        func refuse(_ index: Int, _ detail: String) {
            errors.invalid("spec.\(key)[\(indexed ? index : 0)]", spec[key] ?? .null, detail)
        }
        if now.count == before.count {
            for (index, value) in before.enumerated() where value != now[index] { refuse(index, "may not change once set") }
            return
        }
        if now.isEmpty { refuse(0, "primary \(name) can not be unset") }
        if let was = before.first, let isOne = now.first, was != isOne { refuse(0, "may not change once set") }
        if before.count > now.count, now.count == 1, spec.text("ipFamilyPolicy") != "SingleStack" {
            errors.invalid(
                "spec.ipFamilyPolicy", spec["ipFamilyPolicy"], "must be set to 'SingleStack' when releasing the secondary \(name)"
            )
        }
    }
}
