import KubeObject

/// PodTemplate.
struct PodTemplateRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsCreateOnUpdate: Bool { true }

    func setDefaults(_ object: inout JSON) { object.edit("template", PodDefaults.setTemplateDefaults) }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        Workload.validatePodTemplate(object["template"] ?? [:], "template", &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] { PodWarnings.texts(object["template"] ?? [:], "template.") }
}
