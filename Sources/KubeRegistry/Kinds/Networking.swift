import KubeObject

/// Ingress.
struct IngressRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("loadBalancer", [:]) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["loadBalancer": [:]] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let rules = spec["rules"]?.elements ?? []
        if rules.isEmpty, spec["defaultBackend"].map(\.isNull) ?? true {
            errors.invalid("spec", [], "either `defaultBackend` or `rules` must be specified")
        }
        if let backend = spec["defaultBackend"], !backend.isNull { validateBackend(backend, "spec.defaultBackend", &errors) }
        for (index, rule) in rules.enumerated() {
            let path = "spec.rules[\(index)]"
            let host = rule.text("host")
            if !host.isEmpty {
                if IPv4.number(host) != nil {
                    errors.invalid("\(path).host", .string(host), "must be a DNS name, not an IP address")
                }
                errors.invalid("\(path).host", host, Names.subdomain(host.hasPrefix("*.") ? String(host.dropFirst(2)) : host))
            }
            guard let http = rule["http"], !http.isNull else { continue }
            let paths = http["paths"]?.elements ?? []
            if paths.isEmpty { errors.required("\(path).http.paths") }
            for (position, entry) in paths.enumerated() {
                let path = "\(path).http.paths[\(position)]"
                let type = entry.text("pathType")
                if type.isEmpty {
                    errors.required("\(path).pathType", "pathType must be specified")
                } else {
                    errors.oneOf(entry["pathType"], ["Exact", "ImplementationSpecific", "Prefix"], "\(path).pathType")
                }
                let text = entry.text("path")
                if (type == "Exact" || type == "Prefix") && !text.hasPrefix("/") || (!text.isEmpty && !text.hasPrefix("/")) {
                    errors.invalid("\(path).path", .string(text), "must be an absolute path")
                }
                validateBackend(entry["backend"] ?? [:], "\(path).backend", &errors)
            }
        }
    }

    private func validateBackend(_ backend: JSON, _ path: String, _ errors: inout FieldErrors) {
        let service = backend["service"].map { !$0.isNull } ?? false
        let resource = backend["resource"].map { !$0.isNull } ?? false
        if service, resource { return errors.invalid(path, "", "cannot set both resource and service backends") }
        if !service, !resource { return errors.required(path, "resource or service backend is required") }
        guard service, let target = backend["service"] else { return }
        let name = target.text("name")
        if name.isEmpty {
            errors.required("\(path).service.name")
        } else {
            errors.invalid("\(path).service.name", name, Names.label1035(name))
        }
        let portName = target["port"]?.text("name") ?? ""
        let number = target["port"]?["number"]?.int ?? 0
        if !portName.isEmpty, number != 0 {
            errors.invalid(path, "", "cannot set both port name & port number")
        } else if !portName.isEmpty {
            errors.invalid("\(path).service.port.name", portName, Names.port(portName))
        } else if number != 0 {
            for problem in Names.portNumber(number) { errors.invalid("\(path).service.port.number", .int(number), problem) }
        } else {
            errors.required(path, "port name or number is required")
        }
    }
}

/// IngressClass.
struct IngressClassRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.edit("parameters") { $0.setDefault("scope", "Cluster") }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object[path: "spec", "controller"], old[path: "spec", "controller"], "spec.controller")
    }
}

/// NetworkPolicy.
struct NetworkPolicyRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefault("podSelector", [:])
            for direction in ["ingress", "egress"] {
                spec.editEach(direction) { rule in rule.editEach("ports") { $0.setDefaultText("protocol", "TCP") } }
            }
            if !spec.has("policyTypes") { spec["policyTypes"] = spec.has("egress") ? ["Ingress", "Egress"] : ["Ingress"] }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        SelectorValidation.validate(spec["podSelector"], "spec.podSelector", &errors)
        for (index, type) in (spec["policyTypes"]?.elements ?? []).enumerated() {
            errors.oneOf(type, ["Egress", "Ingress"], "spec.policyTypes[\(index)]")
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (index, rule) in (spec[direction]?.elements ?? []).enumerated() {
                let path = "spec.\(direction)[\(index)]"
                for (position, peer) in (rule[peers]?.elements ?? []).enumerated() {
                    validatePeer(peer, "\(path).\(peers)[\(position)]", &errors)
                }
                for (position, port) in (rule["ports"]?.elements ?? []).enumerated() {
                    let path = "\(path).ports[\(position)]"
                    errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol")
                    switch port["port"] {
                    case .int(let number)?:
                        for problem in Names.portNumber(number) { errors.invalid("\(path).port", .int(number), problem) }
                    case .string(let name)?: errors.invalid("\(path).port", name, Names.port(name))
                    default: break
                    }
                }
            }
        }
    }

    private func validatePeer(_ peer: JSON, _ path: String, _ errors: inout FieldErrors) {
        let kinds = ["podSelector", "namespaceSelector", "ipBlock"].filter { peer[$0].map { !$0.isNull } ?? false }
        if kinds.isEmpty { errors.required(path, "must specify a peer") }
        if kinds.contains("ipBlock"), kinds.count > 1 {
            errors.forbidden(path, "may not specify both ipBlock and another peer")
        }
        SelectorValidation.validate(peer["podSelector"], "\(path).podSelector", &errors)
        SelectorValidation.validate(peer["namespaceSelector"], "\(path).namespaceSelector", &errors)
        if let block = peer["ipBlock"], !block.isNull, block.text("cidr").isEmpty { errors.required("\(path).ipBlock.cidr") }
    }
}
