import KubeObject

/// IPAddress: named by what it is, and of one owner for good.
struct IPAddressRules: KindRules {
    var nameRule: NameRule { .custom(Addresses.canonicalIP) }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        guard let parent = object["spec"]?.present("parentRef") else { return errors.required("spec.parentRef") }
        let path = "spec.parentRef"
        errors.optionalText(parent, "group", path, Names.subdomain)
        errors.text(parent, "resource", path, Names.pathSegment)
        errors.text(parent, "name", path, Names.pathSegment)
        errors.optionalText(parent, "namespace", path, Names.pathSegment)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object[path: "spec", "parentRef"], old[path: "spec", "parentRef"], "spec.parentRef")
    }
}

/// ServiceCIDR: a range that services get their addresses from.
struct ServiceCIDRRules: KindRules {
    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let path = "spec.cidrs"
        let ranges = object[path: "spec", "cidrs"]?.strings ?? []
        let spec: JSON = ["CIDRs": object[path: "spec", "cidrs"] ?? .null]
        if ranges.isEmpty { return errors.required(path, "at least one CIDR required") }
        if ranges.count > 2 { return errors.invalid(path, spec, "may only hold up to 2 values") }
        if ranges.count == 2, Addresses.isDualStackNetworks(ranges) != true {
            return errors.invalid(
                path, spec, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64")
        }
        for (index, range) in ranges.enumerated() {
            errors.invalid("\(path)[\(index)]", range, Addresses.canonicalCIDR(range))
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let ranges = object[path: "spec", "cidrs"]?.strings ?? []
        let before = old[path: "spec", "cidrs"]?.strings ?? []
        // A range of one family may get one of the other.
        guard ranges.count == before.count || (before.count == 1 && ranges.count == 2) else {
            return errors.invalid("spec.cidrs", object[path: "spec", "cidrs"] ?? .null, "field is immutable")
        }
        for (index, (now, was)) in zip(ranges, before).enumerated() where now != was {
            errors.invalid("spec.cidrs[\(index)]", .string(now), "field is immutable")
        }
        if ranges.count > before.count { validate(object, &errors) }
    }
}
