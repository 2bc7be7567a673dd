import KubeObject

/// DeviceClasses: devices that are alike.
struct DeviceClassRules: KindRules {
    var countsGeneration: Bool { true }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        DeviceValidation.validateSelectors(spec["selectors"], "spec.selectors", &errors)
        DeviceValidation.validateList(
            spec["config"], 32, "spec.config", &errors, DeviceValidation.validateConfiguration)
        if let name = spec.present("extendedResourceName")?.string {
            let isExtended = ResourceNames.isExtended(name)
            if !isExtended {
                errors.invalid("spec.extendedResourceName", .string(name), "must be a valid extended resource name")
            }
        }
    }
}
