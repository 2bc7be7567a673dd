public import KubeObject

/// Defaults and validation of definitions of custom resources, in upstream's words.
public enum CustomResourceDefinitionRules {
    /// Fills in names and the conversion.
    public static func applyDefaults(to tree: inout JSON) {
        guard tree["spec"]?.object != nil else { return }
        let kind = tree[path: "spec", "names", "kind"]?.string ?? ""
        func isEmpty(_ value: JSON?) -> Bool { value?.string?.isEmpty ?? true }
        if !kind.isEmpty {
            if isEmpty(tree[path: "spec", "names", "singular"]) {
                tree[path: "spec", "names", "singular"] = .string(kind.lowercased())
            }
            if isEmpty(tree[path: "spec", "names", "listKind"]) {
                tree[path: "spec", "names", "listKind"] = .string(kind + "List")
            }
        }
        if isEmpty(tree[path: "spec", "conversion", "strategy"]) { tree[path: "spec", "conversion", "strategy"] = "None" }
        if tree[path: "spec", "conversion", "webhook", "clientConfig", "service"]?.object != nil,
            tree[path: "spec", "conversion", "webhook", "clientConfig", "service", "port"] == nil
        {
            tree[path: "spec", "conversion", "webhook", "clientConfig", "service", "port"] = 443
        }
    }

    /// What is wrong with a definition, after defaulting.
    public static func errors(in tree: JSON) -> [FieldError] {
        let spec = tree["spec"] ?? [:]
        var errors = name(tree, spec) + group(tree, spec)
        switch spec["scope"]?.string ?? "" {
        case "": errors.append(.required("spec.scope", ""))
        case "Cluster", "Namespaced": break
        case let scope: errors.append(.notSupported("spec.scope", .string(scope), ["Cluster", "Namespaced"]))
        }
        if spec["preserveUnknownFields"]?.bool == true {
            errors.append(
                .invalid(
                    "spec.preserveUnknownFields", true,
                    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"))
        }
        errors += versions(spec) + names(spec) + conversion(spec["conversion"] ?? [:])
        return errors
    }

    /// What is wrong with a change of a definition, after defaulting.
    public static func errors(in tree: JSON, old: JSON) -> [FieldError] {
        var errors = errors(in: tree)
        var fixed = [["group"], ["names", "plural"]]
        if CustomResourceStatus.isTrue("Established", old) { fixed += [["scope"], ["names", "kind"]] }
        for keys in fixed {
            let path = ["spec"] + keys
            let value = tree[keys: path[...]]
            if value != old[keys: path[...]] { errors.append(.invalid(path.joined(separator: "."), value, "field is immutable")) }
        }
        let known = Set((tree[path: "spec", "versions"]?.elements ?? []).compactMap { $0["name"]?.string })
        for (index, version) in (tree[path: "status", "storedVersions"]?.strings ?? []).enumerated()
        where !known.contains(version) {
            errors.append(
                .invalid(
                    "status.storedVersions[\(index)]", .string(version),
                    "missing from spec.versions; \(version) was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in \(version) and removes \(version) from status.storedVersions"
                ))
        }
        return errors
    }

    private static func name(_ tree: JSON, _ spec: JSON) -> [FieldError] {
        let name = tree[path: "metadata", "name"]?.string ?? ""
        if name.isEmpty { return [.required("metadata.name", "name or generateName is required")] }
        var errors: [FieldError] = []
        if let problem = ObjectNames.subdomainProblem(name) { errors.append(.invalid("metadata.name", .string(name), problem)) }
        let wanted = "\(spec[path: "names", "plural"]?.string ?? "").\(spec["group"]?.string ?? "")"
        if name != wanted {
            errors.append(.invalid("metadata.name", .string(name), "must be spec.names.plural+\".\"+spec.group"))
        }
        return errors
    }

    private static func group(_ tree: JSON, _ spec: JSON) -> [FieldError] {
        let group = spec["group"]?.string ?? ""
        if group.isEmpty { return [.required("spec.group", "")] }
        if let problem = ObjectNames.subdomainProblem(group) { return [.invalid("spec.group", .string(group), problem)] }
        if !group.utf8.contains(UInt8(ascii: ".")) {
            return [.invalid("spec.group", .string(group), "should be a domain with at least one dot")]
        }
        let isProtected = ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix(".\($0)") }
        let annotation = "api-approved.kubernetes.io"
        guard isProtected, tree[path: "metadata", "annotations", annotation]?.string?.isEmpty ?? true else { return [] }
        return [
            .required(
                "metadata.annotations[\(annotation)]",
                "protected groups must have approval annotation \"\(annotation)\", see https://github.com/kubernetes/enhancements/pull/1111"
            )
        ]
    }

    private static func names(_ spec: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        let names = spec["names"] ?? [:]
        func text(_ key: String) -> String { names[key]?.string ?? "" }
        for key in ["plural", "singular", "kind", "listKind"] where text(key).isEmpty {
            errors.append(.required("spec.names.\(key)", ""))
        }
        for key in ["plural", "singular"] where !text(key).isEmpty {
            if let problem = ObjectNames.labelProblem(text(key)) {
                errors.append(.invalid("spec.names.\(key)", .string(text(key)), problem))
            }
        }
        for key in ["kind", "listKind"] where !text(key).isEmpty {
            guard let problem = ObjectNames.labelProblem(text(key).lowercased()) else { continue }
            errors.append(
                .invalid("spec.names.\(key)", .string(text(key)), "may have mixed case, but should otherwise match: \(problem)"))
        }
        for list in ["shortNames", "categories"] {
            for (index, name) in (names[list]?.strings ?? []).enumerated() {
                if let problem = ObjectNames.labelProblem(name) {
                    errors.append(.invalid("spec.names.\(list)[\(index)]", .string(name), problem))
                }
            }
        }
        if !text("kind").isEmpty, text("kind") == text("listKind") {
            errors.append(.invalid("spec.names.listKind", .string(text("listKind")), "kind and listKind may not be the same"))
        }
        return errors
    }

    private static func conversion(_ conversion: JSON) -> [FieldError] {
        switch conversion["strategy"]?.string ?? "" {
        case "": return [.required("spec.conversion.strategy", "")]
        case "None":
            guard conversion["webhook"]?.object != nil else { return [] }
            return [.forbidden("spec.conversion.webhook", "should not be set when strategy is not set to Webhook")]
        case "Webhook":
            guard let webhook = conversion["webhook"], webhook.object != nil else {
                return [.required("spec.conversion.webhook", "required when strategy is set to Webhook")]
            }
            var errors: [FieldError] = []
            let client = webhook["clientConfig"]
            if client?.object == nil {
                errors.append(.required("spec.conversion.webhook.clientConfig", "required when strategy is set to Webhook"))
            } else if (client?["url"] == nil) == (client?["service"] == nil) {
                errors.append(.required("spec.conversion.webhook.clientConfig", "exactly one of url or service is required"))
            }
            let reviews = webhook["conversionReviewVersions"]?.strings ?? []
            if reviews.isEmpty {
                errors.append(.required("spec.conversion.webhook.conversionReviewVersions", ""))
            } else if !reviews.contains("v1"), !reviews.contains("v1beta1") {
                errors.append(
                    .invalid(
                        "spec.conversion.webhook.conversionReviewVersions", JSON(reviews),
                        "must include at least one of v1, v1beta1"))
            }
            return errors
        case let strategy: return [.notSupported("spec.conversion.strategy", .string(strategy), ["None", "Webhook"])]
        }
    }

    private static func versions(_ spec: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        let versions = spec["versions"]?.elements ?? []
        let names = versions.map { $0["name"]?.string ?? "" }
        for (index, version) in versions.enumerated() {
            let path = "spec.versions[\(index)]"
            if let problem = ObjectNames.labelProblem(names[index]) {
                errors.append(.invalid("\(path).name", .string(names[index]), problem))
            }
            errors += CustomResourceVersionRules.errors(in: version, path)
        }
        if Set(names).count < names.count {
            errors.append(.invalid("spec.versions", .array(versions), "must contain unique version names"))
        }
        if versions.count(where: { $0["storage"]?.bool == true }) != 1 {
            errors.append(.invalid("spec.versions", .array(versions), "must have exactly one version marked as storage version"))
        }
        return errors
    }
}
