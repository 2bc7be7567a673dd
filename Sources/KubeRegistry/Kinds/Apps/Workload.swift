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

    /// The selector must be there and choose something.
    static func validateSelector(_ spec: JSON, kind: String, _ errors: inout FieldErrors) {
        guard let selector = spec.present("selector") else { return errors.required("spec.selector") }
        SelectorValidation.validate(selector, "spec.selector", &errors)
        if SelectorValidation.isEmpty(selector) {
            errors.invalid("spec.selector", selector, "empty selector is invalid for \(kind)")
        }
    }

    /// The selector must choose the template's pods.
    static func validateMatch(_ spec: JSON, _ errors: inout FieldErrors) {
        let labels = spec[path: "template", "metadata", "labels"]
        guard let selector = spec.present("selector") else { return refuseLabels(labels, &errors) }
        guard let parsed = Result(catching: { try LabelSelector(selector) }).value else { return }
        if !parsed.matches(labels?.stringMap ?? [:]) { refuseLabels(labels, &errors) }
    }

    static func refuseLabels(_ labels: JSON?, _ errors: inout FieldErrors) {
        errors.invalid(
            "spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    }

    /// A template whose pods are always replaced.
    ///
    /// - Parameter kind: as the error names it.
    static func validateTemplate(_ spec: JSON, kind: String, _ errors: inout FieldErrors) {
        let template = spec["template"] ?? [:]
        validatePodTemplate(template, "spec.template", &errors)
        let policy = template["spec"]?.text("restartPolicy") ?? ""
        if policy != "Always" { errors.notSupported("spec.template.spec.restartPolicy", .string(policy), ["Always"]) }
        if template[path: "spec", "activeDeadlineSeconds"]?.int != nil {
            errors.forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in \(kind) is not Supported")
        }
    }

    static func validatePodTemplate(_ template: JSON, _ path: String, _ errors: inout FieldErrors) {
        let metadata = template["metadata"] ?? [:]
        let spec = template["spec"] ?? [:]
        ObjectMetaValidation.validateLabels(metadata["labels"], "\(path).labels", &errors)
        ObjectMetaValidation.validateAnnotations(metadata["annotations"], "\(path).annotations", &errors)
        PodAnnotations.validate(metadata["annotations"], spec, "\(path).annotations", &errors)
        PodValidation.validate(spec: spec, metadata: metadata, path: "\(path).spec", isTemplate: true, &errors)
        PodAnnotations.validateMatch(template, "\(path).", &errors)
        if spec.has("ephemeralContainers") {
            errors.forbidden("\(path).spec.ephemeralContainers", "ephemeral containers not allowed in pod template")
        }
    }

    /// `maxSurge` and the like: a count or a percentage.
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

    static func validateAtMostAll(_ value: JSON?, _ path: String, _ errors: inout FieldErrors) {
        if let percent = percent(value), percent > 100 { errors.invalid(path, value, "must not be greater than 100%") }
    }

    static func isZero(_ value: JSON?) -> Bool { value?.int ?? percent(value) ?? 0 == 0 }

    static func percent(_ value: JSON?) -> Int64? {
        guard let text = value?.string, text.hasSuffix("%") else { return nil }
        return Int64(text.dropLast())
    }

    /// The counts of a status: none negative, and parts no greater than the whole.
    ///
    /// - Parameters:
    ///   - counts: the fields that may not be negative.
    ///   - parts: those of them that `status.replicas` is the whole of.
    static func validateCounts(_ status: JSON, _ counts: [String], parts: [String] = [], _ errors: inout FieldErrors) {
        errors.nonnegative(status, counts, "status")
        let all = status["replicas"]?.int ?? 0
        for key in parts {
            if let part = status[key]?.int, part > all {
                errors.invalid("status.\(key)", .int(part), "cannot be greater than status.replicas")
            }
        }
    }

    static func validateAvailable(_ status: JSON, _ detail: String, _ errors: inout FieldErrors) {
        let available = status["availableReplicas"]?.int ?? 0
        if available > status["readyReplicas"]?.int ?? 0 {
            errors.invalid("status.availableReplicas", .int(available), detail)
        }
    }

    /// The count of names that were taken only grows.
    static func validateCollisions(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        guard let before = old[path: "status", "collisionCount"]?.int else { return }
        let now = object[path: "status", "collisionCount"]?.int
        if now ?? -1 < before {
            errors.invalid("status.collisionCount", now.map { .int($0) } ?? .null, "cannot be decremented")
        }
    }

    /// What upstream warns of in kinds that make pods named after themselves.
    static func warnings(_ object: JSON, old: JSON?, template: String...) -> [String] {
        var warnings: [String] = []
        let name = object["metadata"]?.text("name") ?? ""
        let problems = Names.label(name)
        if old == nil, !problems.isEmpty {
            warnings.append(
                "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is "
                    + "recommended: [\(problems.joined(separator: " "))]")
        }
        return warnings + templateWarnings(object, old: old, template)
    }

    static func templateWarnings(_ object: JSON, old: JSON?, _ path: [String]) -> [String] {
        // An update that asks for nothing new is no reason to repeat them.
        if let old, old["metadata"]?["generation"] == object["metadata"]?["generation"] { return [] }
        return PodWarnings.texts(object[keys: path[...]] ?? [:], path.joined(separator: ".") + ".")
    }
}
