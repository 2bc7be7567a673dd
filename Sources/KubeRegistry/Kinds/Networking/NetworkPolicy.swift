import KubeObject

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
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            errors.each(spec[direction], "spec.\(direction)") { rule, path, errors in
                errors.each(rule["ports"], "\(path).ports", validatePort)
                errors.each(rule[peers], "\(path).\(peers)", validatePeer)
            }
        }
        let types = spec["policyTypes"] ?? []
        if types.elements.count > 2 {
            return errors.invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        }
        errors.each(types, "spec.policyTypes") { type, path, errors in
            let allowed = ["Ingress", "Egress"]
            if !allowed.contains(type.string ?? "") { errors.notSupported(path, type, allowed) }
        }
    }

    private func validatePort(_ port: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.oneOf(port["protocol"], ["TCP", "UDP", "SCTP"], "\(path).protocol")
        let end = port["endPort"]?.int
        func refuse(_ detail: String) {
            if let end { errors.invalid("\(path).endPort", .int(end), detail) }
        }
        switch port.present("port") {
        case .int(let number)?:
            errors.within(1...65535, .int(number), "\(path).port")
            guard let end else { return }
            if end < number {
                errors.invalid("\(path).endPort", .int(number), "must be greater than or equal to `port`")
            }
            errors.within(1...65535, .int(end), "\(path).endPort")
        case .string(let name)?:
            refuse("may not be specified when `port` is non-numeric")
            errors.invalid("\(path).port", name, Names.port(name))
        default: refuse("may not be specified when `port` is not specified")
        }
    }

    private func validatePeer(_ peer: JSON, _ path: String, _ errors: inout FieldErrors) {
        let kinds = ["podSelector", "namespaceSelector", "ipBlock"].filter { peer.present($0) != nil }
        for key in ["podSelector", "namespaceSelector"] {
            SelectorValidation.validate(peer.present(key), "\(path).\(key)", &errors)
        }
        if let block = peer.present("ipBlock") { validateBlock(block, "\(path).ipBlock", &errors) }
        if kinds.isEmpty { errors.required(path, "must specify a peer") }
        if kinds.contains("ipBlock"), kinds.count > 1 {
            errors.forbidden(path, "may not specify both ipBlock and another peer")
        }
    }

    private func validateBlock(_ block: JSON, _ path: String, _ errors: inout FieldErrors) {
        let network = block.text("cidr")
        if network.isEmpty { return errors.required("\(path).cidr") }
        let problems = Addresses.cidr(network)
        errors.invalid("\(path).cidr", network, problems)
        if problems.contains(Addresses.networkMessage) { return }
        for (index, except) in (block["except"]?.strings ?? []).enumerated() {
            let path = "\(path).except[\(index)]"
            errors.invalid(path, except, Addresses.cidr(except))
            if Addresses.isStrictSubset(except, of: network) == false {
                errors.invalid(path, .string(except), "must be a strict subset of `cidr`")
            }
        }
    }
}
