import KubeObject

/// RuntimeClass: its handler never changes.
struct RuntimeClassRules: KindRules {
    var allowsUnconditionalUpdate: Bool { false }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let handler = object.text("handler")
        errors.invalid("handler", handler, Names.label(handler))
        if let overhead = object.present("overhead") {
            ResourceRequirements.validate(
                ["limits": overhead["podFixed"] ?? [:]], "overhead", claims: [], names: ResourceNames.ofContainer, &errors)
        }
        guard let scheduling = object.present("scheduling") else { return }
        ObjectMetaValidation.validateLabels(scheduling["nodeSelector"], "scheduling.nodeSelector", &errors)
        SchedulingValidation.validateTolerations(scheduling["tolerations"], "scheduling.tolerations", &errors)
        var seen: Set<JSON> = []
        errors.each(scheduling["tolerations"], "scheduling.tolerations") { toleration, path, errors in
            if !seen.insert(toleration).inserted { errors.duplicate(path, toleration) }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object["handler"], old["handler"], "handler")
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        (object[path: "scheduling", "nodeSelector"]?.object ?? [:]).map(\.key).compactMap { key in
            NodeLabels.deprecation(key).map { "scheduling.nodeSelector[\(key)]: \($0)" }
        }
    }
}
