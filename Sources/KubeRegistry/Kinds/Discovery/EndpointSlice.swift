import KubeObject

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
        errors.oneOf(object["addressType"], ["FQDN", "IPv4", "IPv6"], "addressType", isRequired: true)
        validateEndpoints(object, &errors)
        validatePorts(object, &errors)
    }

    private func validateEndpoints(_ object: JSON, _ errors: inout FieldErrors) {
        let endpoints = object["endpoints"] ?? []
        if endpoints.elements.count > 1000 { return errors.tooMany("endpoints", endpoints.elements.count, 1000) }
        let family = object.text("addressType")
        errors.each(endpoints, "endpoints") { endpoint, path, errors in
            let addresses = endpoint["addresses"]?.strings ?? []
            if addresses.isEmpty {
                errors.required("\(path).addresses", "must contain at least 1 address")
            } else if addresses.count > 100 {
                errors.tooMany("\(path).addresses", addresses.count, 100)
            }
            for (index, address) in addresses.enumerated() {
                validateAddress(address, family, "\(path).addresses[\(index)]", &errors)
            }
            if let node = endpoint.present("nodeName")?.string {
                errors.invalid("\(path).nodeName", node, Names.subdomain(node))
            }
            let topology = endpoint["deprecatedTopology"]?.object ?? [:]
            if topology.count > 16 { errors.tooMany("\(path).deprecatedTopology", topology.count, 16) }
            ObjectMetaValidation.validateLabels(endpoint["deprecatedTopology"], "\(path).deprecatedTopology", &errors)
            if topology["kubernetes.io/hostname"] != nil {
                errors.invalid(
                    "\(path).deprecatedTopology[kubernetes.io/hostname]", "kubernetes.io/hostname",
                    ["may not be set unless it was already set"])
            }
            if let host = endpoint.present("hostname")?.string {
                errors.invalid("\(path).hostname", host, Names.label(host))
            }
            if let hints = endpoint.present("hints") { validateHints(hints, "\(path).hints", &errors) }
        }
    }

    private func validateAddress(_ address: String, _ family: String, _ path: String, _ errors: inout FieldErrors) {
        switch family {
        case "IPv4", "IPv6":
            let isV6 = family == "IPv6"
            let problems = Addresses.ip(address)
            errors.invalid(path, address, problems)
            guard problems.isEmpty else { return }
            if Addresses.isIPv6(address) != isV6 { errors.invalid(path, .string(address), "must be an \(family) address") }
            errors.invalid(path, address, Addresses.special(address))
        case "FQDN": errors.invalid(path, address, Names.subdomain(address))
        default: break
        }
    }

    private func validateHints(_ hints: JSON, _ path: String, _ errors: inout FieldErrors) {
        for (key, rule) in [("forZones", Names.labelValue), ("forNodes", Names.subdomain)] {
            let all = hints[key]?.elements ?? []
            if all.count > 8 {
                errors.tooMany("\(path).\(key)", all.count, 8)
                continue
            }
            var seen: Set<String> = []
            for (index, hint) in all.enumerated() {
                let name = hint.text("name")
                if seen.insert(name).inserted {
                    errors.invalid("\(path).\(key)[\(index)].name", name, rule(name))
                } else {
                    errors.duplicate("\(path).\(key)[\(index)].name", .string(name))
                }
            }
        }
    }

    private func validatePorts(_ object: JSON, _ errors: inout FieldErrors) {
        let ports = object["ports"] ?? []
        if ports.elements.count > 20000 { return errors.tooMany("ports", ports.elements.count, 20000) }
        var names: Set<String> = []
        errors.each(ports, "ports") { port, path, errors in
            let name = port.text("name")
            if !name.isEmpty { errors.invalid("\(path).name", name, Names.label(name)) }
            if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
            errors.within(1...65535, port["port"], "\(path).port")
            if let application = port.present("appProtocol")?.string {
                errors.invalid("\(path).appProtocol", application, Names.qualified(application))
            }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object["addressType"], old["addressType"], "addressType")
    }
}
