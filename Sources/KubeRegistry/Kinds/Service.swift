import KubeObject

/// Service. Its addresses and node ports are given by ``ServiceAllocation``, in the transaction that stores it.
struct ServiceRules: KindRules {
    var nameRule: NameRule { .label1035 }
    var allowsCreateOnUpdate: Bool { true }
    var returnsDeletedObject: Bool { true }

    static func needsNodePorts(_ spec: JSON) -> Bool {
        switch spec.text("type") {
        case "NodePort": true
        case "LoadBalancer": spec["allocateLoadBalancerNodePorts"]?.bool ?? true
        default: false
        }
    }

    static func needsAddress(_ spec: JSON) -> Bool { spec.text("type") != "ExternalName" }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("sessionAffinity", "None")
            if spec.text("sessionAffinity") == "ClientIP" {
                if spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"]?.int == nil {
                    spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": 10800]]
                }
            } else if spec.text("sessionAffinity") == "None" {
                spec["sessionAffinityConfig"] = nil
            }
            spec.setDefaultText("type", "ClusterIP")
            spec.editEach("ports") { port in
                port.setDefaultText("protocol", "TCP")
                switch port["targetPort"] {
                case nil, .null?, .int(0)?, .string("")?: port["targetPort"] = port["port"]
                default: break
                }
            }
            let type = spec.text("type")
            if type == "NodePort" || type == "LoadBalancer" { spec.setDefaultText("externalTrafficPolicy", "Cluster") }
            if type != "ExternalName" { spec.setDefaultText("internalTrafficPolicy", "Cluster") }
            if type == "LoadBalancer" { spec.setDefault("allocateLoadBalancerNodePorts", true) }
        }
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("loadBalancer", [:]) }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["loadBalancer": [:]]
        object.edit("spec", Self.normaliseAddresses)
    }

    /// `clusterIP` and the first of `clusterIPs` are one; what the families are follows from the addresses.
    private static func normaliseAddresses(_ spec: inout JSON) {
        guard needsAddress(spec) else { return }
        let address = spec.text("clusterIP")
        let addresses = spec["clusterIPs"]?.strings ?? []
        if address.isEmpty, let first = addresses.first { spec["clusterIP"] = .string(first) }
        if !address.isEmpty, addresses.isEmpty { spec["clusterIPs"] = [.string(address)] }
        let isSelectorlessHeadless = spec.text("clusterIP") == "None" && !spec.has("selector")
        if !spec.has("ipFamilies") { spec["ipFamilies"] = isSelectorlessHeadless ? ["IPv4", "IPv6"] : ["IPv4"] }
        spec.setDefaultText("ipFamilyPolicy", isSelectorlessHeadless ? "RequireDualStack" : "SingleStack")
        if isSelectorlessHeadless, spec["ipFamilies"]?.elements.count == 1, spec.text("ipFamilyPolicy") == "RequireDualStack" {
            spec["ipFamilyPolicy"] = "SingleStack"
        }
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        let before = old["spec"] ?? [:]
        object.edit("spec") { spec in
            if !Self.needsAddress(spec) {
                if Self.needsAddress(before) {
                    for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec[key] == before[key] {
                        spec[key] = nil
                    }
                }
            } else if Self.needsAddress(before) {
                // A client may leave out what the server gave.
                if !spec.has("clusterIP"), !spec.has("clusterIPs") {
                    spec["clusterIP"] = before["clusterIP"]
                    spec["clusterIPs"] = before["clusterIPs"]
                }
                if !spec.has("ipFamilies") { spec["ipFamilies"] = before["ipFamilies"] }
                if !spec.has("ipFamilyPolicy") { spec["ipFamilyPolicy"] = before["ipFamilyPolicy"] }
            }
            Self.normaliseAddresses(&spec)
            Self.carryNodePorts(&spec, before)
        }
    }

    private static func carryNodePorts(_ spec: inout JSON, _ before: JSON) {
        let oldPorts = before["ports"]?.elements ?? []
        if needsNodePorts(spec), needsNodePorts(before) {
            spec.editEach("ports") { port in
                guard port["nodePort"]?.int ?? 0 == 0 else { return }
                let same = oldPorts.first { $0.text("protocol") == port.text("protocol") && $0["port"] == port["port"] }
                if let number = same?["nodePort"] { port["nodePort"] = number }
            }
        } else if !needsNodePorts(spec), needsNodePorts(before) {
            // Going back to a cluster address lets the ports go that the server gave.
            let known = Set(oldPorts.compactMap { $0["nodePort"]?.int })
            spec.editEach("ports") { port in
                if let number = port["nodePort"]?.int, known.contains(number) { port["nodePort"] = nil }
            }
            if spec["externalTrafficPolicy"] == before["externalTrafficPolicy"] { spec["externalTrafficPolicy"] = nil }
            if spec["allocateLoadBalancerNodePorts"] == before["allocateLoadBalancerNodePorts"] {
                spec["allocateLoadBalancerNodePorts"] = nil
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { ServiceValidation.validate(object["spec"] ?? [:], &errors) }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let new = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        // The address can only change together with the type.
        if Self.needsAddress(new), Self.needsAddress(before) {
            let address = before.text("clusterIP")
            if !address.isEmpty, address != new.text("clusterIP") {
                errors.invalid("spec.clusterIPs[0]", new["clusterIPs"]?[0] ?? new["clusterIP"], "may not change once set")
            }
        }
        validate(object, &errors)
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        switch path {
        case "spec.clusterIP": object.tree["spec"]?.text("clusterIP") ?? ""
        case "spec.type": object.tree["spec"]?.text("type") ?? ""
        default: nil
        }
    }
}

/// What is checked of a service's spec.
enum ServiceValidation {
    static func validate(_ spec: JSON, _ errors: inout FieldErrors) {
        let type = spec.text("type")
        let isHeadless = spec.text("clusterIP") == "None"
        let ports = spec["ports"]?.elements ?? []
        if ports.isEmpty, !isHeadless, type != "ExternalName" { errors.required("spec.ports") }
        switch type {
        case "NodePort", "LoadBalancer":
            if isHeadless {
                errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
            }
        case "ExternalName":
            if spec.has("clusterIP") {
                errors.invalid("spec.clusterIP", spec["clusterIP"], "may not be set for ExternalName services")
            }
            let name = spec.text("externalName")
            if name.isEmpty {
                errors.required("spec.externalName")
            } else {
                errors.invalid("spec.externalName", name, Names.subdomain(name.hasSuffix(".") ? String(name.dropLast()) : name))
            }
        case "ClusterIP": break
        case "": errors.required("spec.type")
        default: errors.notSupported("spec.type", .string(type), ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])
        }
        var names: Set<String> = []
        var numbers: Set<String> = []
        for (index, port) in ports.enumerated() {
            validatePort(port, "spec.ports[\(index)]", isNamed: ports.count > 1, isHeadless: isHeadless, &errors)
            let name = port.text("name")
            if !name.isEmpty, !names.insert(name).inserted { errors.duplicate("spec.ports[\(index)].name", .string(name)) }
            let number = "\(port.text("protocol"))/\(port["port"]?.int ?? 0)"
            if !numbers.insert(number).inserted {
                errors.duplicate("spec.ports[\(index)]", ["port": port["port"] ?? 0, "protocol": port["protocol"] ?? ""])
            }
            if let nodePort = port["nodePort"]?.int, nodePort != 0, type == "ClusterIP" || type == "ExternalName" {
                errors.forbidden("spec.ports[\(index)].nodePort", "may not be used when `type` is '\(type)'")
            }
        }
        ObjectMetaValidation.validateLabels(spec["selector"], "spec.selector", &errors)
        errors.oneOf(spec["sessionAffinity"], ["ClientIP", "None"], "spec.sessionAffinity", isRequired: true)
        if let seconds = spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"]?.int, !(1...86400).contains(seconds) {
            errors.invalid(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds", .int(seconds), "must be greater than 0 and less than 86400")
        }
        let address = spec.text("clusterIP")
        if !address.isEmpty, !isHeadless, IPv4.number(address) == nil, !address.contains(":") {
            errors.invalid(
                "spec.clusterIPs[0]", .string(address), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
        for (index, ip) in (spec["externalIPs"]?.strings ?? []).enumerated() where IPv4.number(ip) == nil && !ip.contains(":") {
            errors.invalid(
                "spec.externalIPs[\(index)]", .string(ip), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
        if type == "NodePort" || type == "LoadBalancer" {
            errors.oneOf(spec["externalTrafficPolicy"], ["Cluster", "Local"], "spec.externalTrafficPolicy", isRequired: true)
        } else if spec.has("externalTrafficPolicy"), !spec.has("externalIPs") {
            errors.invalid(
                "spec.externalTrafficPolicy", spec["externalTrafficPolicy"], "may only be set for externally-accessible services")
        }
        errors.oneOf(spec["internalTrafficPolicy"], ["Cluster", "Local"], "spec.internalTrafficPolicy")
        errors.oneOf(
            spec["ipFamilyPolicy"], ["SingleStack", "PreferDualStack", "RequireDualStack"], "spec.ipFamilyPolicy")
        for (index, family) in (spec["ipFamilies"]?.elements ?? []).enumerated() {
            errors.oneOf(family, ["IPv4", "IPv6"], "spec.ipFamilies[\(index)]")
        }
    }

    private static func validatePort(
        _ port: JSON, _ path: String, isNamed: Bool, isHeadless: Bool, _ errors: inout FieldErrors
    ) {
        let name = port.text("name")
        if name.isEmpty {
            if isNamed { errors.required("\(path).name") }
        } else {
            errors.invalid("\(path).name", name, Names.label(name))
        }
        let number = port["port"]?.int ?? 0
        for problem in Names.portNumber(number) { errors.invalid("\(path).port", .int(number), problem) }
        errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
        switch port["targetPort"] {
        case .int(let target)?:
            for problem in Names.portNumber(target) { errors.invalid("\(path).targetPort", .int(target), problem) }
        case .string(let target)?: errors.invalid("\(path).targetPort", target, Names.port(target))
        default: break
        }
    }
}

/// IPAddress: named by what it is.
struct IPAddressRules: KindRules {
    var nameRule: NameRule {
        .custom {
            IPv4.number($0) != nil || $0.contains(":") ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
        }
    }
}
