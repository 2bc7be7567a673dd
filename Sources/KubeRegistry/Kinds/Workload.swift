import KubeObject

/// What the kinds that keep pods running have in common.
enum Workload {
    /// Labels of the template become those of the object, where it has none (older defaulting that clients rely on).
    static func copyTemplateLabels(_ object: inout JSON) {
        guard !(object["metadata"]?.has("labels") ?? false),
            let labels = object[path: "spec", "template", "metadata", "labels"], !labels.isEmpty
        else { return }
        object[path: "metadata", "labels"] = labels
    }

    /// The selector must be there and choose the template's pods.
    static func validateSelector(_ spec: JSON, kind: String = "deployment", _ errors: inout FieldErrors) {
        guard let selector = spec["selector"], !selector.isNull else { return errors.required("spec.selector") }
        SelectorValidation.validate(selector, "spec.selector", &errors)
        if SelectorValidation.isEmpty(selector) {
            errors.invalid("spec.selector", selector, "empty selector is invalid for \(kind)")
        }
    }

    static func validateTemplate(
        _ spec: JSON, kind: String, restartPolicies: [String], _ errors: inout FieldErrors
    ) {
        guard let template = spec["template"], !template.isNull else { return errors.required("spec.template") }
        let labels = template[path: "metadata", "labels"]
        if let selector = spec["selector"], !SelectorValidation.isEmpty(selector),
            let parsed = Result(catching: { try LabelSelector(selector) }).value, !parsed.matches(labels?.stringMap ?? [:])
        {
            errors.invalid("spec.template.metadata.labels", labels ?? [:], "`selector` does not match template `labels`")
        }
        validatePodTemplate(template, "spec.template", &errors)
        let policy = template["spec"]?.text("restartPolicy") ?? ""
        if !restartPolicies.contains(policy) {
            if policy.isEmpty {
                errors.required(
                    "spec.template.spec.restartPolicy",
                    "valid values: \(restartPolicies.map { quoted($0) }.joined(separator: ", "))")
            } else {
                errors.notSupported("spec.template.spec.restartPolicy", .string(policy), restartPolicies)
            }
        }
        if template[path: "spec", "activeDeadlineSeconds"]?.int != nil {
            errors.forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in \(kind) is not Supported")
        }
    }

    static func validatePodTemplate(_ template: JSON, _ path: String, _ errors: inout FieldErrors) {
        let metadata = template["metadata"] ?? [:]
        ObjectMetaValidation.validateLabels(metadata["labels"], "\(path).labels", &errors)
        ObjectMetaValidation.validateAnnotations(metadata["annotations"], "\(path).annotations", &errors)
        PodValidation.validate(spec: template["spec"], metadata: metadata, path: "\(path).spec", isTemplate: true, &errors)
    }

    /// `maxSurge` and the like: a count or a percentage. Returns its value where it can be read.
    static func validateCountOrPercent(_ value: JSON?, _ path: String, _ errors: inout FieldErrors) {
        switch value {
        case .int(let number)?: errors.nonnegative(.int(number), path)
        case .string(let text)?:
            let digits = text.utf8.dropLast()
            let isPercent = text.hasSuffix("%") && !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
            if !isPercent {
                errors.invalid(
                    path, .string(text),
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
                )
            }
        default: break
        }
    }

    static func isZero(_ value: JSON?) -> Bool { value == .int(0) || value == .string("0%") }

    static func percent(_ value: JSON?) -> Int? {
        guard let text = value?.string, text.hasSuffix("%") else { return nil }
        return Int(text.dropLast())
    }
}
