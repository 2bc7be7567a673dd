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
    public static func errors(in tree: JSON) -> [FieldError] { errors(in: tree, before: []) }

    /// - Parameter before: the versions that the definition had.
    private static func errors(in tree: JSON, before: [JSON]) -> [FieldError] {
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
        let parts = SharedVersionParts(spec["versions"]?.elements ?? [], before: before)
        errors += versions(spec, parts) + names(spec)
        if let first = spec["versions"]?.elements.first { errors += parts.errors(in: first) }
        errors += conversion(spec["conversion"] ?? [:]) + storedVersions(tree)
        return errors
    }

    /// What is wrong with a change of a definition, after defaulting.
    public static func errors(in tree: JSON, old: JSON) -> [FieldError] {
        // The name can't change, so it is told of by what it was made from.
        var errors = errors(in: tree, before: old[path: "spec", "versions"]?.elements ?? []).filter { $0.path != "metadata.name" }
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
        return APIApproval(tree)?.error.map { [$0] } ?? []
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
        let webhook = conversion["webhook"]
        let reviews = webhook?["conversionReviewVersions"]?.strings ?? []
        let clientPath = "spec.conversion.webhookClientConfig"
        let reviewPath = "spec.conversion.conversionReviewVersions"
        switch conversion["strategy"]?.string ?? "" {
        case "": return [.required("spec.conversion.strategy", "")]
        case "None":
            let detail = "should not be set when strategy is not set to Webhook"
            var errors: [FieldError] = []
            if webhook?["clientConfig"]?.object != nil { errors.append(.forbidden(clientPath, detail)) }
            if !reviews.isEmpty { errors.append(.forbidden(reviewPath, detail)) }
            return errors
        case "Webhook":
            var errors: [FieldError] = []
            if let client = webhook?["clientConfig"], client.object != nil {
                errors += WebhookConfigRules.errors(in: client, clientPath)
            } else {
                errors.append(.required(clientPath, "required when strategy is set to Webhook"))
            }
            return errors + reviewVersions(reviews, reviewPath)
        case let strategy: return [.notSupported("spec.conversion.strategy", .string(strategy), ["None", "Webhook"])]
        }
    }

    private static func reviewVersions(_ versions: [String], _ path: String) -> [FieldError] {
        guard !versions.isEmpty else { return [.required(path, "")] }
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            let versionPath = "\(path)[\(index)]"
            if !seen.insert(version).inserted {
                errors.append(.invalid(versionPath, .string(version), "duplicate version"))
            } else if let problem = ObjectNames.labelProblem(version) {
                errors.append(.invalid(versionPath, .string(version), problem))
            }
        }
        if errors.isEmpty, !versions.contains("v1"), !versions.contains("v1beta1") {
            errors.append(.invalid(path, JSON(versions), "must include at least one of v1, v1beta1"))
        }
        return errors
    }

    private static func versions(_ spec: JSON, _ parts: SharedVersionParts) -> [FieldError] {
        var errors: [FieldError] = []
        let versions = spec["versions"]?.elements ?? []
        let names = versions.map { $0["name"]?.string ?? "" }
        for (index, version) in versions.enumerated() {
            let path = "spec.versions[\(index)]"
            if let problem = ObjectNames.labelProblem(names[index]) {
                errors.append(.invalid("\(path).name", .string(names[index]), problem))
            }
            errors += CustomResourceVersionRules.errors(in: version, path)
            errors += parts.errors(in: version, ofItsOwn: path)
        }
        func refuse(_ detail: String) {
            errors.append(
                FieldError(.invalid, "spec.versions", nil, detail, shownValue: versions.isEmpty ? "null" : shown(versions)))
        }
        if Set(names).count < names.count { refuse("must contain unique version names") }
        if versions.count(where: { $0["storage"]?.bool == true }) != 1 {
            refuse("must have exactly one version marked as storage version")
        }
        if let first = names.first, let problem = ObjectNames.labelProblem(first) {
            errors.append(.invalid("spec.version", .string(first), problem))
        }
        return errors
    }

    /// Versions as upstream's own type prints them. What all versions share stands elsewhere there; the rest isn't shown.
    private static func shown(_ versions: [JSON]) -> String {
        let texts = versions.map { version in
            func truth(_ key: String) -> String { version[key]?.bool == true ? "true" : "false" }
            let warning = version["deprecationWarning"]?.string.map { JSON.string($0).text } ?? "null"
            return "{\"Name\":\(JSON.string(version["name"]?.string ?? "").text),\"Served\":\(truth("served")),"
                + "\"Storage\":\(truth("storage")),\"Deprecated\":\(truth("deprecated")),\"DeprecationWarning\":\(warning),"
                + "\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}"
        }
        return "[\(texts.joined(separator: ","))]"
    }

    private static func storedVersions(_ tree: JSON) -> [FieldError] {
        // Without a status nothing was prepared for storing: only the wishes are looked at.
        guard tree["status"]?.object != nil else { return [] }
        let path = "status.storedVersions"
        let stored = tree[path: "status", "storedVersions"]?.strings ?? []
        guard !stored.isEmpty else { return [.invalid(path, .null, "must have at least one stored version")] }
        let storage = (tree[path: "spec", "versions"]?.elements ?? []).last { $0["storage"]?.bool == true }?["name"]?.string
        guard let storage, !stored.contains(storage) else { return [] }
        return [.invalid(path, JSON(stored), "must have the storage version \(storage)")]
    }
}
