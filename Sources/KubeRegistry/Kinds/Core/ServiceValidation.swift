import KubeObject

/// What is checked of a service.
enum ServiceValidation {
    static let topologyHints = "service.kubernetes.io/topology-aware-hints"
    static let topologyMode = "service.kubernetes.io/topology-mode"
    private static let sourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges"

    static func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let annotations = object["metadata"]?["annotations"]
        if let mode = annotations?[topologyMode], let hints = annotations?[topologyHints], mode != hints {
            errors.invalid(
                "metadata.annotations[\(topologyMode)]", mode,
                "must match annotations[\(topologyHints)] when both are specified")
        }
        let type = spec.text("type")
        let isHeadless = spec.text("clusterIP") == "None"
        if !spec.has("ports"), !isHeadless, type != "ExternalName" { errors.required("spec.ports") }
        switch type {
        case "NodePort", "LoadBalancer":
            if isHeadless { errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services") }
        case "ExternalName": validateExternalName(spec, &errors)
        default: break
        }
        var names: Set<String> = []
        let isNamed = spec["ports"]?.elements.count ?? 0 > 1
        errors.each(spec["ports"], "spec.ports") { port, path, errors in
            validatePort(port, path, isNamed: isNamed, &names, &errors)
        }
        ObjectMetaValidation.validateLabels(spec["selector"], "spec.selector", &errors)
        validateAffinity(spec, &errors)
        ServiceFamilies.validateAddresses(spec, &errors)
        for (index, address) in (spec["externalIPs"]?.strings ?? []).enumerated() {
            let problems = Addresses.ip(address)
            errors.invalid("spec.externalIPs[\(index)]", address, problems.isEmpty ? Addresses.special(address) : problems)
        }
        errors.oneOf(
            spec["type"], ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], "spec.type", isRequired: true)
        validateUniquePorts(spec, type, &errors)
        validateLoadBalancer(spec, type, annotations, &errors)
        validateTraffic(spec, type, &errors)
    }

    private static func validateExternalName(_ spec: JSON, _ errors: inout FieldErrors) {
        for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec.has(key) {
            errors.forbidden("spec.\(key)", "may not be set for ExternalName services")
        }
        let given = spec.text("externalName")
        let name = given.hasSuffix(".") ? String(given.dropLast()) : given
        if name.isEmpty { return errors.required("spec.externalName") }
        errors.invalid("spec.externalName", name, Names.subdomain(name))
    }

    private static func validatePort(
        _ port: JSON, _ path: String, isNamed: Bool, _ names: inout Set<String>, _ errors: inout FieldErrors
    ) {
        let name = port.text("name")
        if name.isEmpty {
            if isNamed { errors.required("\(path).name") }
        } else {
            errors.invalid("\(path).name", name, Names.label(name))
            if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
        }
        errors.within(1...65535, .int(port["port"]?.int ?? 0), "\(path).port")
        errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
        errors.port(port["targetPort"], "\(path).targetPort")
        if let application = port.present("appProtocol")?.string {
            errors.invalid("\(path).appProtocol", application, Names.qualified(application))
        }
    }

    private static func validateAffinity(_ spec: JSON, _ errors: inout FieldErrors) {
        let affinity = spec.text("sessionAffinity")
        errors.oneOf(.string(affinity), ["ClientIP", "None"], "spec.sessionAffinity", isRequired: true)
        let path = "spec.sessionAffinityConfig"
        let config = spec.present("sessionAffinityConfig")
        if affinity == "None", config != nil {
            errors.forbidden(path, "must not be set when session affinity is None")
        }
        guard affinity == "ClientIP" else { return }
        let why = "when session affinity type is ClientIP"
        guard let config else { return errors.required(path, why) }
        guard let client = config.present("clientIP") else { return errors.required("\(path).clientIP", why) }
        guard let seconds = client["timeoutSeconds"]?.int else {
            return errors.required("\(path).clientIP.timeoutSeconds", why)
        }
        if !(1...86400).contains(seconds) {
            errors.invalid(
                "\(path).clientIP.timeoutSeconds", .int(seconds), "must be greater than 0 and less than 86400")
        }
    }

    private static func validateUniquePorts(_ spec: JSON, _ type: String, _ errors: inout FieldErrors) {
        let ports = (spec["ports"]?.elements ?? []).enumerated().map { ("spec.ports[\($0)]", $1) }
        if type == "ClusterIP" {
            for (path, port) in ports where port["nodePort"]?.int ?? 0 != 0 {
                errors.forbidden("\(path).nodePort", "may not be used when `type` is 'ClusterIP'")
            }
        }
        var nodePorts: Set<String> = []
        for (path, port) in ports {
            guard let number = port["nodePort"]?.int, number != 0 else { continue }
            if !nodePorts.insert("\(port.text("protocol"))/\(number)").inserted {
                errors.duplicate("\(path).nodePort", .int(number))
            }
        }
        var numbers: Set<String> = []
        for (path, port) in ports {
            let number = port["port"]?.int ?? 0
            let proto = port.text("protocol")
            if !numbers.insert("\(proto)/\(number)").inserted {
                // The value as upstream's own form of a port has it.
                errors.add(
                    FieldError(
                        .duplicate, path,
                        [
                            "Name": "", "Protocol": .string(proto), "AppProtocol": .null, "Port": .int(number), "TargetPort": 0,
                            "NodePort": 0,
                        ]))
            }
        }
    }

    private static func validateLoadBalancer(
        _ spec: JSON, _ type: String, _ annotations: JSON?, _ errors: inout FieldErrors
    ) {
        let isBalancer = type == "LoadBalancer"
        let onlyBalancer = "may only be used when `type` is 'LoadBalancer'"
        if let ranges = spec["loadBalancerSourceRanges"]?.strings, !ranges.isEmpty {
            let path = "spec.LoadBalancerSourceRanges"
            if !isBalancer { errors.forbidden(path, onlyBalancer) }
            for (index, range) in ranges.enumerated() {
                let range = range.trimming(while: \.isWhitespace)
                errors.invalid("\(path)[\(index)]", range, Addresses.cidr(range))
            }
        } else if let value = annotations?[sourceRanges]?.string {
            let path = "metadata.annotations[\(sourceRanges)]"
            if !isBalancer { errors.forbidden(path, onlyBalancer) }
            for range in value.split(separator: ",") {
                let range = String(range).trimming(while: \.isWhitespace)
                errors.invalid(path, range, Addresses.cidr(range))
            }
        }
        if !isBalancer, spec.present("allocateLoadBalancerNodePorts") != nil {
            errors.forbidden("spec.allocateLoadBalancerNodePorts", onlyBalancer)
        }
        if let className = spec.present("loadBalancerClass")?.string {
            if isBalancer {
                errors.invalid("spec.loadBalancerClass", className, Names.qualified(className))
            } else {
                errors.forbidden("spec.loadBalancerClass", onlyBalancer)
            }
        }
    }

    private static func validateTraffic(_ spec: JSON, _ type: String, _ errors: inout FieldErrors) {
        let external = spec.text("externalTrafficPolicy")
        let isExternal =
            type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && spec.has("externalIPs"))
        if isExternal {
            errors.oneOf(.string(external), ["Cluster", "Local"], "spec.externalTrafficPolicy", isRequired: true)
        } else if !external.isEmpty {
            errors.invalid(
                "spec.externalTrafficPolicy", .string(external), "may only be set for externally-accessible services")
        }
        if let port = spec["healthCheckNodePort"]?.int, port != 0 {
            if type == "LoadBalancer", external == "Local" {
                errors.within(1...65535, .int(port), "spec.healthCheckNodePort")
            } else {
                errors.invalid(
                    "spec.healthCheckNodePort", .int(port),
                    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
            }
        }
        errors.oneOf(
            spec["internalTrafficPolicy"], ["Cluster", "Local"], "spec.internalTrafficPolicy",
            isRequired: ["ClusterIP", "NodePort", "LoadBalancer"].contains(type))
        errors.oneOf(
            spec["trafficDistribution"], ["PreferClose", "PreferSameNode", "PreferSameZone"], "spec.trafficDistribution")
    }
}

/// What is checked of where a load balancer can be reached, of services and ingresses.
enum LoadBalancerStatus {
    static func validate(_ object: JSON, isService: Bool, _ errors: inout FieldErrors) {
        let path = "status.loadBalancer.ingress"
        let ingress = object[path: "status", "loadBalancer", "ingress"]
        if isService, object[path: "spec", "type"] != "LoadBalancer", !(ingress?.isEmpty ?? true) {
            return errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
        }
        errors.each(ingress, path) { entry, path, errors in
            let address = entry.text("ip")
            if !address.isEmpty { errors.invalid("\(path).ip", address, Addresses.ip(address)) }
            if isService { validateMode(entry, path, &errors) }
            let host = entry.text("hostname")
            if host.isEmpty { return }
            errors.invalid("\(path).hostname", host, Names.subdomain(host))
            if Addresses.isIP(host) {
                errors.invalid("\(path).hostname", .string(host), "must be a DNS name, not an IP address")
            }
        }
    }

    private static func validateMode(_ entry: JSON, _ path: String, _ errors: inout FieldErrors) {
        let hasAddress = entry.has("ip")
        guard let mode = entry.present("ipMode")?.string else {
            if hasAddress { errors.required("\(path).ipMode", "must be specified when `ip` is set") }
            return
        }
        if !hasAddress {
            errors.forbidden("\(path).ipMode", "may not be specified when `ip` is not set")
        } else if !["Proxy", "VIP"].contains(mode) {
            errors.notSupported("\(path).ipMode", .string(mode), ["Proxy", "VIP"])
        }
    }
}
