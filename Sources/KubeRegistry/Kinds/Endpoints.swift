import KubeObject

/// Endpoints.
struct EndpointsRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.editEach("subsets") { subset in subset.editEach("ports") { $0.setDefaultText("protocol", "TCP") } }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        for (index, subset) in (object["subsets"]?.elements ?? []).enumerated() {
            let path = "subsets[\(index)]"
            if !subset.has("addresses"), !subset.has("notReadyAddresses") {
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            }
            for key in ["addresses", "notReadyAddresses"] {
                for (position, address) in (subset[key]?.elements ?? []).enumerated() {
                    let ip = address.text("ip")
                    if IPv4.number(ip) == nil, !ip.contains(":") {
                        errors.invalid(
                            "\(path).\(key)[\(position)].ip", .string(ip),
                            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
                    }
                }
            }
            let ports = subset["ports"]?.elements ?? []
            for (position, port) in ports.enumerated() {
                let name = port.text("name")
                if name.isEmpty {
                    if ports.count > 1 { errors.required("\(path).ports[\(position)].name") }
                } else {
                    errors.invalid("\(path).ports[\(position)].name", name, Names.label(name))
                }
                let number = port["port"]?.int ?? 0
                for problem in Names.portNumber(number) {
                    errors.invalid("\(path).ports[\(position)].port", .int(number), problem)
                }
            }
        }
    }
}

/// EndpointSlice.
struct EndpointSliceRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.editEach("ports") { port in
            port.setDefault("name", "")
            port.setDefaultText("protocol", "TCP")
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let family = object.text("addressType")
        errors.oneOf(object["addressType"], ["FQDN", "IPv4", "IPv6"], "addressType", isRequired: true)
        let endpoints = object["endpoints"]?.elements ?? []
        if endpoints.count > 1000 { errors.add(.tooMany("endpoints", endpoints.count, maximum: 1000)) }
        for (index, endpoint) in endpoints.enumerated() {
            let path = "endpoints[\(index)].addresses"
            let addresses = endpoint["addresses"]?.strings ?? []
            if addresses.isEmpty { errors.required(path, "must contain at least 1 address") }
            if addresses.count > 100 { errors.add(.tooMany(path, addresses.count, maximum: 100)) }
            for (position, address) in addresses.enumerated() where family == "IPv4" && IPv4.number(address) == nil {
                errors.invalid("\(path)[\(position)]", .string(address), "must be an IPv4 address")
            }
        }
        var names: Set<String> = []
        let ports = object["ports"]?.elements ?? []
        if ports.count > 100 { errors.add(.tooMany("ports", ports.count, maximum: 100)) }
        for (index, port) in ports.enumerated() {
            let name = port.text("name")
            if !name.isEmpty { errors.invalid("ports[\(index)].name", name, Names.label(name)) }
            if !names.insert(name).inserted { errors.duplicate("ports[\(index)].name", .string(name)) }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "ports[\(index)].protocol", isRequired: true)
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object["addressType"], old["addressType"], "addressType")
    }
}
