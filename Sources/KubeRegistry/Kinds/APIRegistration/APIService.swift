import KubeObject

/// APIServices: versions of groups, served by the server itself or by a service of the cluster.
struct APIServiceRules: KindRules {
    var nameRule: NameRule { .pathSegment }
    var allowsUnconditionalUpdate: Bool { false }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.edit("service") { $0.setDefault("port", 443) }
        }
    }

    /// What the server serves itself is there at once.
    func prepareForCreate(_ object: inout JSON) {
        object["status"] = [:]
        guard object["spec"]?.present("service") == nil else { return }
        object[path: "status", "conditions"] = [
            [
                "type": "Available", "status": "True", "lastTransitionTime": .string(Timestamp.now()), "reason": "Local",
                "message": "Local APIServices are always available",
            ]
        ]
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let (group, version) = (spec.text("group"), spec.text("version"))
        let name = object["metadata"]?.text("name") ?? ""
        if Names.pathSegment(name).isEmpty, name != "\(version).\(group)" {
            errors.invalid(
                "metadata.name", .string(name), "must be `spec.version+\".\"+spec.group`: \"\(version).\(group)\"")
        }
        if group.isEmpty, version != "v1" {
            errors.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
        }
        errors.optionalText(spec, "group", "spec", Names.subdomain)
        errors.invalid("spec.version", version, Names.label1035(version))
        for (key, maximum) in [("groupPriorityMinimum", 20000), ("versionPriority", 1000)] as [(String, Int64)] {
            let priority = spec[key]?.int ?? 0
            if !(1...maximum).contains(priority) {
                errors.invalid("spec.\(key)", .int(priority), "must be positive and less than \(maximum)")
            }
        }
        validateService(spec, &errors)
    }

    private func validateService(_ spec: JSON, _ errors: inout FieldErrors) {
        let skips = spec["insecureSkipTLSVerify"] == true
        guard let service = spec.present("service") else {
            if spec.has("caBundle") {
                let count = Base64.decode(spec.text("caBundle"))?.count ?? 0
                errors.invalid("spec.caBundle", "\(count) bytes", ["local APIServices may not have a caBundle"])
            }
            if skips {
                errors.invalid(
                    "spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify")
            }
            return
        }
        errors.texts(service, ["namespace", "name"], "spec.service")
        if let port = service["port"]?.int, !(1...65535).contains(port) {
            errors.invalid("spec.service.port", .int(port), "port is not valid: \(Names.outside(1...65535))")
        }
        if skips, spec.has("caBundle") {
            errors.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")
        }
    }
}
