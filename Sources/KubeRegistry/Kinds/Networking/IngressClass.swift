import KubeObject

/// IngressClass.
struct IngressClassRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.edit("parameters") { $0.setDefault("scope", "Cluster") }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let controller = object["spec"]?.text("controller") ?? ""
        if controller.utf8.count > 250 { errors.tooLong("spec.controller", 250) }
        if controller.isEmpty {
            errors.required("spec.controller")
        } else {
            errors.invalid("spec.controller", controller, Names.domainPrefixedPath(controller))
        }
        guard let parameters = object["spec"]?.present("parameters") else { return }
        let path = "spec.parameters"
        IngressBackend.validateReference(parameters, path, &errors)
        let namespace = parameters.present("namespace")?.string
        switch parameters.present("scope")?.string {
        case nil: errors.required("\(path).scope")
        case "Namespace"?:
            if let namespace {
                errors.invalid("\(path).namespace", namespace, Names.label(namespace))
            } else {
                errors.required("\(path).namespace", "`parameters.scope` is set to 'Namespace'")
            }
        case "Cluster"?:
            if namespace != nil { errors.forbidden("\(path).namespace", "`parameters.scope` is set to 'Cluster'") }
        case let other?: errors.notSupported("\(path).scope", .string(other), ["Cluster", "Namespace"])
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object[path: "spec", "controller"], old[path: "spec", "controller"], "spec.controller")
        validate(object, &errors)
    }
}
