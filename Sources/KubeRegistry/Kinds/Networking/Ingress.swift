import KubeObject

/// Ingress.
struct IngressRules: KindRules {
    private static let classAnnotation = "kubernetes.io/ingress.class"

    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("loadBalancer", [:]) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["loadBalancer": [:]] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let backend = spec.present("defaultBackend")
        if !spec.has("rules"), backend == nil {
            errors.invalid("spec", spec["rules"] ?? .null, "either `defaultBackend` or `rules` must be specified")
        }
        if let backend { IngressBackend.validate(backend, "spec.defaultBackend", &errors) }
        errors.each(spec["rules"], "spec.rules", validateRule)
        errors.each(spec["tls"], "spec.tls") { entry, path, errors in
            for (index, host) in (entry["hosts"]?.strings ?? []).enumerated() {
                errors.invalid(
                    "\(path).hosts[\(index)]", host,
                    host.contains("*") ? Names.wildcardSubdomain(host) : Names.subdomain(host))
            }
            errors.optionalText(entry, "secretName", path, Names.subdomain)
        }
        if let name = spec.present("ingressClassName")?.string {
            errors.invalid("spec.ingressClassName", name, Names.subdomain(name))
        }
    }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        if let annotation = object[path: "metadata", "annotations", Self.classAnnotation],
            let name = object["spec"]?.present("ingressClassName"), name != annotation
        {
            errors.invalid(
                "annotations.\(Self.classAnnotation)", annotation, "must match `ingressClassName` when both are specified")
        }
    }

    private func validateRule(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        let host = rule.text("host")
        if !host.isEmpty {
            if Addresses.isIP(host) { errors.invalid("\(path).host", .string(host), "must be a DNS name, not an IP address") }
            errors.invalid("\(path).host", host, host.contains("*") ? Names.wildcardSubdomain(host) : Names.subdomain(host))
        }
        guard let http = rule.present("http") else { return }
        if !http.has("paths") { errors.required("\(path).http.paths") }
        errors.each(http["paths"], "\(path).http.paths", validatePath)
    }

    private func validatePath(_ entry: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let type = entry.present("pathType")?.string else {
            return errors.required("\(path).pathType", "pathType must be specified")
        }
        let text = entry.text("path")
        func refuse(_ detail: String) { errors.invalid("\(path).path", .string(text), detail) }
        switch type {
        case "Exact", "Prefix":
            if !text.hasPrefix("/") { refuse("must be an absolute path") }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] where text.contains(sequence) {
                refuse("must not contain '\(sequence)'")
            }
            for suffix in ["/..", "/."] where text.hasSuffix(suffix) { refuse("cannot end with '\(suffix)'") }
        case "ImplementationSpecific": if !text.isEmpty, !text.hasPrefix("/") { refuse("must be an absolute path") }
        default:
            errors.notSupported("\(path).pathType", .string(type), ["Exact", "ImplementationSpecific", "Prefix"])
        }
        IngressBackend.validate(entry["backend"] ?? [:], "\(path).backend", &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        LoadBalancerStatus.validate(object, isService: false, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        guard old == nil, object[path: "metadata", "annotations", Self.classAnnotation] != nil,
            object["spec"]?.present("ingressClassName") == nil
        else { return [] }
        return ["annotation \"\(Self.classAnnotation)\" is deprecated, please use 'spec.ingressClassName' instead"]
    }
}

/// What is checked of where an ingress sends requests to.
enum IngressBackend {
    static func validate(_ backend: JSON, _ path: String, _ errors: inout FieldErrors) {
        switch (backend.present("service"), backend.present("resource")) {
        case (.some, .some): errors.invalid(path, "", "cannot set both resource and service backends")
        case (nil, let resource?): validateReference(resource, "\(path).resource", &errors)
        case (let service?, nil):
            errors.text(service, "name", "\(path).service", Names.label1035)
            let name = service["port"]?.text("name") ?? ""
            let number = service["port"]?["number"]?.int ?? 0
            if !name.isEmpty, number != 0 {
                errors.invalid(path, "", "cannot set both port name & port number")
            } else if !name.isEmpty {
                errors.invalid("\(path).service.port.name", name, Names.port(name))
            } else if number != 0 {
                errors.within(1...65535, .int(number), "\(path).service.port.number")
            } else {
                errors.required(path, "port name or number is required")
            }
        case (nil, nil): errors.invalid(path, "", "resource or service backend is required")
        }
    }

    /// An object in the same namespace, by its group, kind and name.
    static func validateReference(_ reference: JSON, _ path: String, _ errors: inout FieldErrors) {
        if let group = reference.present("apiGroup")?.string {
            errors.invalid("\(path).apiGroup", group, Names.subdomain(group))
        }
        errors.text(reference, "kind", path, Names.pathSegment, "kind is required")
        errors.text(reference, "name", path, Names.pathSegment, "name is required")
    }
}
