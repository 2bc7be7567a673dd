import KubeObject

/// Endpoints.
struct EndpointsRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.editEach("subsets") { subset in subset.editEach("ports") { $0.setDefaultText("protocol", "TCP") } }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        errors.each(object["subsets"], "subsets") { subset, path, errors in
            if !subset.has("addresses"), !subset.has("notReadyAddresses") {
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            }
            for key in ["addresses", "notReadyAddresses"] { errors.each(subset[key], "\(path).\(key)", validateAddress) }
            let isNamed = subset["ports"]?.elements.count ?? 0 > 1
            errors.each(subset["ports"], "\(path).ports") { port, path, errors in
                if isNamed, !port.has("name") { errors.required("\(path).name") }
                errors.optionalText(port, "name", path, Names.label)
                errors.within(1...65535, .int(port["port"]?.int ?? 0), "\(path).port")
                errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
                if let application = port.present("appProtocol")?.string {
                    errors.invalid("\(path).appProtocol", application, Names.qualified(application))
                }
            }
        }
    }

    private func validateAddress(_ address: JSON, _ path: String, _ errors: inout FieldErrors) {
        let ip = address.text("ip")
        errors.invalid("\(path).ip", ip, Addresses.ip(ip))
        errors.optionalText(address, "hostname", path, Names.label)
        if let node = address.present("nodeName")?.string {
            errors.invalid("\(path).nodeName", node, Names.subdomain(node))
        }
        errors.invalid("\(path).ip", ip, Addresses.special(ip))
    }
}
