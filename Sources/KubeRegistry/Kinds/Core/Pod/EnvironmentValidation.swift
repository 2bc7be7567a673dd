import KubeObject

/// What is checked of the variables of containers, and of references to a pod's own fields.
enum EnvironmentValidation {
    static func validate(_ container: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.each(container["env"], "\(path).env") { variable, path, errors in
            errors.text(variable, "name", path, Names.environmentVariable)
            if let source = variable.present("valueFrom") { validateSource(source, variable, "\(path).valueFrom", &errors) }
        }
        errors.each(container["envFrom"], "\(path).envFrom") { source, itemPath, errors in
            errors.optionalText(source, "prefix", itemPath, Names.environmentVariable)
            let present = ["configMapRef", "secretRef"].filter { source.present($0) != nil }
            for key in present {
                errors.text(source[key] ?? [:], "name", "\(itemPath).\(key)") { name in
                    NameRule.subdomain.problems(ofPrefix: name)
                }
            }
            if present.isEmpty {
                errors.invalid("\(path).envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
            } else if present.count > 1 {
                errors.invalid("\(path).envFrom", "", "may not have more than one field specified at a time")
            }
        }
    }

    private static let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]

    private static func validateSource(_ source: JSON, _ variable: JSON, _ path: String, _ errors: inout FieldErrors) {
        let present = sources.filter { source.present($0) != nil }
        for key in present {
            let reference = source[key] ?? [:]
            switch key {
            case "fieldRef": validateField(reference, environmentFields, "\(path).\(key)", &errors)
            case "resourceFieldRef": validateResource(reference, "\(path).\(key)", isVolume: false, &errors)
            case "fileKeyRef":
                errors.text(reference, "key", "\(path).\(key)", Names.environmentVariable)
                errors.text(reference, "volumeName", "\(path).\(key)", Names.label)
                errors.text(reference, "path", "\(path).\(key)", Paths.localNonReserved)
            default:
                errors.invalid("\(path).\(key).name", reference.text("name"), Names.subdomain(reference.text("name")))
                errors.text(reference, "key", "\(path).\(key)", Names.configKey)
            }
        }
        if present.isEmpty {
            errors.invalid(
                path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
        } else if variable.has("value") {
            errors.invalid(path, "", "may not be specified when `value` is not empty")
        } else if present.count > 1 {
            errors.invalid(path, "", "may not have more than one field specified at a time")
        }
    }

    private static let environmentFields = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    static let volumeFields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"]
    /// All that the downward API can show somewhere.
    private static let known: Set<String> = Set(environmentFields).union(volumeFields).union([
        "spec.restartPolicy", "spec.schedulerName", "status.phase", "spec.hostNetwork",
    ])

    /// A reference to one of the pod's own fields (`metadata.labels['app']`).
    static func validateField(_ reference: JSON, _ allowed: [String], _ path: String, _ errors: inout FieldErrors) {
        if !reference.has("apiVersion") { return errors.required("\(path).apiVersion") }
        let field = reference.text("fieldPath")
        if field.isEmpty { return errors.required("\(path).fieldPath") }
        if let (name, subscript_) = subscripted(field) {
            switch name {
            case "metadata.annotations": errors.invalid(path, subscript_.lowercased(), Names.qualified(subscript_.lowercased()))
            case "metadata.labels": errors.invalid(path, subscript_, Names.qualified(subscript_))
            default:
                if known.contains(name) {
                    errors.invalid(path, .string(name), "does not support subscript")
                } else {
                    refuse(field, path, &errors)
                }
            }
        } else if !known.contains(field), field != "spec.host" {
            refuse(field, path, &errors)
        } else if !allowed.contains(field == "spec.host" ? "spec.nodeName" : field) {
            errors.notSupported("\(path).fieldPath", .string(field), allowed)
        }
    }

    private static func refuse(_ field: String, _ path: String, _ errors: inout FieldErrors) {
        errors.invalid("\(path).fieldPath", .string(field), "error converting fieldPath: field label not supported: \(field)")
    }

    private static func subscripted(_ field: String) -> (String, String)? {
        guard field.hasSuffix("']"), let open = field.firstRange(of: "['") else { return nil }
        return (String(field[..<open.lowerBound]), String(field[open.upperBound...].dropLast(2)))
    }

    private static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    /// A reference to a container's requests or limits.
    static func validateResource(_ reference: JSON, _ path: String, isVolume: Bool, _ errors: inout FieldErrors) {
        let resource = reference.text("resource")
        let isHugePages = resource.hasPrefix("requests.hugepages-") || resource.hasPrefix("limits.hugepages-")
        if isVolume, !reference.has("containerName") {
            errors.required("\(path).containerName")
        } else if resource.isEmpty {
            errors.required("\(path).resource")
        } else if !resources.contains(resource), !isHugePages {
            errors.notSupported("\(path).resource", .string(resource), resources)
        }
        guard let divisor = quantity(reference["divisor"]), divisor != Quantity(0) else { return }
        let isCPU = resource.hasSuffix(".cpu")
        let allowed =
            isCPU ? ["1m", "1"] : ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
        guard resources.contains(resource) || isHugePages, !allowed.contains(divisor.description) else { return }
        let kind =
            resource.hasSuffix(".memory") ? "memory" : isHugePages ? "hugepages" : "local ephemeral storage"
        let detail =
            isCPU
            ? "only divisor's values 1m and 1 are supported with the cpu resource"
            : "only divisor's values \(allowed.joined(separator: ", ")) are supported with the \(kind) resource"
        errors.invalid("\(path).divisor", .string(resource), detail)
    }
}
