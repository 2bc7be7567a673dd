import KubeObject

/// What is checked of a pod's spec, in pods and in templates.
enum PodValidation {
    static func validate(
        spec: JSON?, metadata: JSON, path: String, isTemplate: Bool = false, _ errors: inout FieldErrors
    ) {
        let spec = spec ?? [:]
        let volumes = VolumeValidation.validate(spec["volumes"]?.elements ?? [], "\(path).volumes", &errors)
        ContainerValidation.validate(spec, volumes: volumes, path: path, isTemplate: isTemplate, &errors)
        errors.oneOf(spec["restartPolicy"], ["Always", "OnFailure", "Never"], "\(path).restartPolicy", isRequired: true)
        errors.oneOf(
            spec["dnsPolicy"], ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], "\(path).dnsPolicy",
            isRequired: true)
        if spec.text("dnsPolicy") == "None", !(spec["dnsConfig"]?.has("nameservers") ?? false) {
            errors.required("\(path).dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
        }
        ObjectMetaValidation.validateLabels(spec["nodeSelector"], "\(path).nodeSelector", &errors)
        for (index, secret) in (spec["imagePullSecrets"]?.elements ?? []).enumerated() where secret.text("name").isEmpty {
            errors.required("\(path).imagePullSecrets[\(index)].name")
        }
        checkName(spec, "serviceAccountName", Names.subdomain, path, &errors)
        checkName(spec, "nodeName", Names.subdomain, path, &errors)
        checkName(spec, "hostname", Names.label, path, &errors)
        checkName(spec, "subdomain", Names.label, path, &errors)
        checkName(spec, "priorityClassName", Names.subdomain, path, &errors)
        checkName(spec, "runtimeClassName", Names.subdomain, path, &errors)
        if let seconds = spec["activeDeadlineSeconds"]?.int, !(1...Int64(Int32.max)).contains(seconds) {
            errors.invalid("\(path).activeDeadlineSeconds", .int(seconds), "must be between 1 and 2147483647, inclusive")
        }
        if let seconds = spec["terminationGracePeriodSeconds"]?.int, seconds < 0 {
            errors.invalid("\(path).terminationGracePeriodSeconds", .int(seconds), "must be greater than or equal to 0")
        }
        validateTolerations(spec["tolerations"]?.elements ?? [], "\(path).tolerations", &errors)
        validateSpread(spec["topologySpreadConstraints"]?.elements ?? [], "\(path).topologySpreadConstraints", &errors)
        validateSecurity(spec["securityContext"] ?? [:], "\(path).securityContext", &errors)
        for (index, alias) in (spec["hostAliases"]?.elements ?? []).enumerated() {
            let ip = alias.text("ip")
            if IPv4.number(ip) == nil, !ip.contains(":") {
                errors.invalid(
                    "\(path).hostAliases[\(index)].ip", .string(ip),
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            }
        }
        var gates: Set<String> = []
        for (index, gate) in (spec["schedulingGates"]?.elements ?? []).enumerated() {
            let name = gate.text("name")
            errors.invalid("\(path).schedulingGates[\(index)]", name, Names.qualified(name))
            if !gates.insert(name).inserted { errors.duplicate("\(path).schedulingGates[\(index)]", .string(name)) }
        }
        if !isTemplate, spec.has("schedulingGates"), spec.has("nodeName") {
            errors.forbidden("\(path).nodeName", "cannot be set until all schedulingGates have been cleared")
        }
    }

    private static func checkName(
        _ spec: JSON, _ key: String, _ rule: (String) -> [String], _ path: String, _ errors: inout FieldErrors
    ) {
        let name = spec.text(key)
        if !name.isEmpty { errors.invalid("\(path).\(key)", name, rule(name)) }
    }

    private static func validateTolerations(_ tolerations: [JSON], _ path: String, _ errors: inout FieldErrors) {
        for (index, toleration) in tolerations.enumerated() {
            let path = "\(path)[\(index)]"
            let key = toleration.text("key")
            let op = toleration.text("operator")
            if !key.isEmpty { errors.invalid("\(path).key", key, Names.qualified(key)) }
            if key.isEmpty, op != "Exists" {
                errors.invalid(
                    "\(path).operator", .string(op),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
            let effect = toleration.text("effect")
            if toleration["tolerationSeconds"]?.int != nil, effect != "NoExecute" {
                errors.invalid("\(path).effect", .string(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
            switch op {
            case "", "Equal":
                let problems = Names.labelValue(toleration.text("value"))
                if !problems.isEmpty {
                    errors.invalid("\(path).operator", .string(toleration.text("value")), problems.joined(separator: ";"))
                }
            case "Exists":
                if toleration.has("value") {
                    errors.invalid("\(path).operator", toleration, "value must be empty when `operator` is 'Exists'")
                }
            default: errors.notSupported("\(path).operator", .string(op), ["Equal", "Exists"])
            }
            errors.oneOf(.string(effect), ["NoExecute", "NoSchedule", "PreferNoSchedule"], "\(path).effect")
        }
    }

    private static func validateSpread(_ constraints: [JSON], _ path: String, _ errors: inout FieldErrors) {
        for (index, constraint) in constraints.enumerated() {
            let path = "\(path)[\(index)]"
            let skew = constraint["maxSkew"]?.int ?? 0
            if skew <= 0 { errors.invalid("\(path).maxSkew", .int(skew), "must be greater than zero") }
            if constraint.text("topologyKey").isEmpty { errors.required("\(path).topologyKey", "can not be empty") }
            errors.oneOf(
                constraint["whenUnsatisfiable"], ["DoNotSchedule", "ScheduleAnyway"], "\(path).whenUnsatisfiable",
                isRequired: true)
            SelectorValidation.validate(constraint["labelSelector"], "\(path).labelSelector", &errors)
        }
    }

    private static func validateSecurity(_ context: JSON, _ path: String, _ errors: inout FieldErrors) {
        let identifiers: ClosedRange<Int64> = 0...4_294_967_295
        for key in ["runAsUser", "runAsGroup", "fsGroup"] {
            if let number = context[key]?.int, !identifiers.contains(number) {
                errors.invalid("\(path).\(key)", .int(number), "must be between 0 and 4294967295, inclusive")
            }
        }
        for (index, group) in (context["supplementalGroups"]?.elements ?? []).enumerated() {
            if let number = group.int, !identifiers.contains(number) {
                errors.invalid(
                    "\(path).supplementalGroups[\(index)]", .int(number), "must be between 0 and 4294967295, inclusive")
            }
        }
        errors.oneOf(
            context["fsGroupChangePolicy"], ["Always", "OnRootMismatch"], "\(path).fsGroupChangePolicy")
    }
}
