import KubeObject

/// What is checked of a pod's spec, in pods and in templates.
enum PodValidation {
    /// - Parameters:
    ///   - metadata: the pod's, or the template's.
    ///   - isTemplate: whether the pod is yet to be made.
    static func validate(
        spec: JSON?, metadata: JSON, path: String, isTemplate: Bool = false, _ errors: inout FieldErrors
    ) {
        let spec = spec ?? [:]
        if spec["terminationGracePeriodSeconds"]?.int == nil { errors.required("\(path).terminationGracePeriodSeconds") }
        let podName = isTemplate ? "" : metadata.text("name")
        let volumes = VolumeValidation.validate(spec["volumes"], podName: podName, "\(path).volumes", &errors)
        validateClaims(spec["resourceClaims"], "\(path).resourceClaims", &errors)
        let containers = ContainerValidation(spec, volumes: volumes, path: path, isTemplate: isTemplate)
        containers.validate(&errors)
        if let resources = spec.present("resources") { validateResources(resources, spec, "\(path).resources", &errors) }
        containers.validateHostNetworkPorts(&errors)
        errors.oneOf(spec["restartPolicy"], ["Always", "OnFailure", "Never"], "\(path).restartPolicy", isRequired: true)
        errors.oneOf(
            spec["dnsPolicy"], ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], "\(path).dnsPolicy",
            isRequired: true)
        ObjectMetaValidation.validateLabels(spec["nodeSelector"], "\(path).nodeSelector", &errors)
        SecurityContextValidation.validatePod(spec, path, &errors)
        SchedulingValidation.validateAffinity(spec.present("affinity"), "\(path).affinity", &errors)
        validateDNS(spec, "\(path).dnsConfig", &errors)
        errors.each(spec["readinessGates"], "\(path).readinessGates") { gate, path, errors in
            errors.invalid("\(path).conditionType", gate.text("conditionType"), Names.qualified(gate.text("conditionType")))
        }
        var gates: Set<String> = []
        errors.each(spec["schedulingGates"], "\(path).schedulingGates") { gate, path, errors in
            let name = gate.text("name")
            errors.invalid(path, name, Names.qualified(name))
            if !gates.insert(name).inserted { errors.duplicate(path, .string(name)) }
        }
        SchedulingValidation.validateSpread(
            spec["topologySpreadConstraints"], "\(path).topologySpreadConstraints", &errors)
        validateHostUsers(spec, path, &errors)
        validateScalars(spec, path, &errors)
        OperatingSystemValidation.validate(spec, path, &errors)
    }

    private static func validateScalars(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.optionalText(spec, "serviceAccountName", path, Names.subdomain)
        errors.optionalText(spec, "nodeName", path, Names.subdomain)
        errors.within(1...Int64(Int32.max), spec["activeDeadlineSeconds"], "\(path).activeDeadlineSeconds")
        errors.optionalText(spec, "hostname", path, Names.label)
        errors.optionalText(spec, "subdomain", path, Names.label)
        validateHostnameOverride(spec, path, &errors)
        SchedulingValidation.validateTolerations(spec["tolerations"], "\(path).tolerations", &errors)
        errors.each(spec["hostAliases"], "\(path).hostAliases") { alias, path, errors in
            errors.invalid("\(path).ip", alias.text("ip"), Addresses.ip(alias.text("ip")))
            for (index, name) in (alias["hostnames"]?.strings ?? []).enumerated() {
                errors.invalid("\(path).hostnames[\(index)]", name, Names.subdomain(name))
            }
        }
        errors.optionalText(spec, "priorityClassName", path, Names.subdomain)
        if let name = spec.present("runtimeClassName")?.string {
            errors.invalid("\(path).runtimeClassName", name, Names.subdomain(name))
        }
        errors.oneOf(spec["preemptionPolicy"], ["PreemptLowerPriority", "Never"], "\(path).preemptionPolicy")
        if let overhead = spec.present("overhead") {
            ResourceRequirements.validate(
                ["limits": overhead], "\(path).overhead", claims: [], names: ResourceNames.ofContainer, &errors)
        }
    }

    private static func validateHostnameOverride(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let name = spec.present("hostnameOverride")?.string else { return }
        let path = "\(path).hostnameOverride"
        errors.invalid(path, name, Names.subdomain(name))
        if name.utf8.count > 64 { errors.tooLong(path, 64) }
        if spec["setHostnameAsFQDN"]?.bool == true {
            errors.forbidden(path, "may not be specified when `setHostnameAsFQDN` is true")
        }
        if spec["hostNetwork"]?.bool == true { errors.forbidden(path, "may not be specified when `hostNetwork` is true") }
    }

    private static func validateClaims(_ claims: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        errors.each(claims, path) { claim, path, errors in
            let name = claim.text("name")
            if name.isEmpty {
                errors.required("\(path).name")
            } else if !names.insert(name).inserted {
                errors.duplicate("\(path).name", .string(name))
            } else {
                errors.invalid("\(path).name", name, Names.label(name))
            }
            let direct = claim.present("resourceClaimName")?.string
            let template = claim.present("resourceClaimTemplateName")?.string
            if direct != nil, template != nil {
                errors.invalid(
                    path, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
            } else if direct == nil, template == nil {
                errors.invalid(path, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
            }
            if let direct { errors.invalid("\(path).resourceClaimName", direct, Names.subdomain(direct)) }
            if let template { errors.invalid("\(path).resourceClaimTemplateName", template, Names.subdomain(template)) }
        }
    }

    /// Requests and limits of the pod as a whole (KEP-2837).
    private static func validateResources(_ resources: JSON, _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        if resources.present("claims") != nil {
            errors.forbidden("\(path).claims", "claims cannot be set for Resources at pod-level")
        }
        ResourceRequirements.validate(resources, path, claims: [], names: ResourceNames.any, &errors)
        let names = Set(["limits", "requests"].flatMap { (resources[$0]?.object ?? [:]).map(\.key) })
        for name in names.sorted() where ResourceNames.any(name).isEmpty {
            guard name != "cpu", name != "memory", !ResourceNames.isHugePages(name) else { continue }
            let list = resources["limits"]?[name] == nil ? "requests" : "limits"
            errors.notSupported("\(path).\(list)[\(name)]", .string(name), ["cpu", "hugepages-", "memory"])
        }
        var bare = spec
        bare["resources"] = nil
        bare["overhead"] = nil
        let sums = PodResources.requests(of: ["spec": bare]).amounts.sorted { $0.key < $1.key }
        for (name, amount) in sums {
            let sum = name == "cpu" ? Quantity(milliValue: amount) : Quantity(amount)
            let own = quantity(resources["requests"]?[name]) ?? Quantity(0)
            if sum > own {
                errors.invalid(
                    "\(path).requests[\(name)]", .string(own.description),
                    "must be greater than or equal to aggregate container requests of \(sum)")
            }
        }
        errors.each(spec["containers"], "\(path).containers") { container, path, errors in
            for (name, value) in container[path: "resources", "limits"]?.object ?? [:] {
                guard let limit = quantity(value), let own = quantity(resources["limits"]?[name]), limit > own else { continue }
                errors.invalid(
                    "\(path)[\(name)].limits", .string(limit.description), "must be less than or equal to pod limits of \(own)")
            }
        }
    }

    private static func validateDNS(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let config = spec.present("dnsConfig")
        let servers = config?["nameservers"]?.strings ?? []
        if spec.text("dnsPolicy") == "None" {
            if config == nil { return errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None") }
            if servers.isEmpty {
                return errors.required(
                    "\(path).nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
            }
        }
        guard let config else { return }
        if servers.count > 3 {
            errors.invalid("\(path).nameservers", config["nameservers"], "must not have more than 3 nameservers")
        }
        for (index, server) in servers.enumerated() {
            errors.invalid("\(path).nameservers[\(index)]", server, Addresses.ip(server))
        }
        let searches = config["searches"]?.strings ?? []
        if searches.count > 32 {
            errors.invalid("\(path).searches", config["searches"], "must not have more than 32 search paths")
        }
        if searches.joined(separator: " ").utf8.count > 2048 {
            errors.invalid(
                "\(path).searches", config["searches"],
                "must not have more than 2048 characters (including spaces) in the search list")
        }
        for (index, search) in searches.enumerated() where search != "." {
            let name = search.hasSuffix(".") ? String(search.dropLast()) : search
            errors.invalid("\(path).searches[\(index)]", name, Names.subdomainWithUnderscores(name))
        }
        errors.each(config["options"], "\(path).options") { option, path, errors in
            if option.text("name").isEmpty { errors.required(path, "must not be empty") }
        }
    }

    private static func validateHostUsers(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard spec["hostUsers"]?.bool == false else { return }
        for (key, name) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")]
        where spec[key]?.bool == true {
            errors.forbidden("\(path).\(name)", "when `pod.Spec.HostUsers` is false")
        }
    }
}
