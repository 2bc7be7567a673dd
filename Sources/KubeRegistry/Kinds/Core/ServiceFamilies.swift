import KubeObject

/// What is checked of a service's addresses and their families. Clusters here have IPv4 only.
enum ServiceFamilies {
    /// What the cluster can't give.
    static func validate(_ spec: JSON, _ errors: inout FieldErrors) {
        if spec.text("type") == "ExternalName" { return }
        validateAddresses(spec, &errors)
        if !errors.isEmpty { return }
        // Without a selector there is nothing that would have to have an address.
        if spec.text("clusterIP") == "None", !spec.has("selector") { return }
        let policy = spec.text("ipFamilyPolicy")
        if policy == "RequireDualStack" {
            errors.invalid("spec.ipFamilyPolicy", .string(policy), "this cluster is not configured for dual-stack services")
        }
        if policy.isEmpty || policy == "SingleStack" {
            for key in ["ipFamilies", "clusterIPs"] where spec[key]?.elements.count ?? 0 > 1 {
                errors.invalid(
                    "spec.ipFamilyPolicy", .string("SingleStack"),
                    "must be RequireDualStack or PreferDualStack when multiple '\(key)' are specified")
            }
        }
        for (index, family) in (spec["ipFamilies"]?.strings ?? []).enumerated() where family == "IPv6" {
            errors.invalid("spec.ipFamilies[\(index)]", .string(family), "not configured on this cluster")
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
