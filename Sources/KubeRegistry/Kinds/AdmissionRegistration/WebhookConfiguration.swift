import KubeObject

/// MutatingWebhookConfiguration and ValidatingWebhookConfiguration.
struct WebhookConfigurationRules: KindRules {
    var countsGeneration: Bool { true }
    var isMutating: Bool

    func setDefaults(_ object: inout JSON) {
        object.editEach("webhooks") { webhook in
            webhook.setDefaultText("failurePolicy", "Fail")
            webhook.setDefaultText("matchPolicy", "Equivalent")
            webhook.setDefault("namespaceSelector", [:])
            webhook.setDefault("objectSelector", [:])
            webhook.setDefault("timeoutSeconds", 10)
            if isMutating { webhook.setDefaultText("reinvocationPolicy", "Never") }
            webhook.editEach("rules") { $0.setDefaultText("scope", "*") }
            webhook.edit("clientConfig") { config in
                config.edit("service") { $0.setDefault("port", 443) }
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { validate(object, old: nil, &errors) }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) { validate(object, old: old, &errors) }

    private func validate(_ object: JSON, old: JSON?, _ errors: inout FieldErrors) {
        func conditions(_ tree: JSON?) -> [JSON?] { (tree?["webhooks"]?.elements ?? []).map { $0["matchConditions"] } }
        // Expressions that were accepted once aren't looked at again.
        let knowsConditions = old != nil && conditions(object) == conditions(old)
        var names: Set<String> = []
        errors.each(object["webhooks"], "webhooks") { webhook, path, errors in
            validateWebhook(webhook, path, &errors)
            if !knowsConditions {
                MatchConditions.validate(webhook["matchConditions"], hasParams: false, "\(path).matchConditions", &errors)
            }
            validateVersions(webhook["admissionReviewVersions"] ?? [], "\(path).admissionReviewVersions", &errors)
            let name = webhook.text("name")
            if !name.isEmpty, !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
        }
    }

    private func validateWebhook(_ webhook: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.text(webhook, "name", path, Names.fullyQualified)
        errors.each(webhook["rules"], "\(path).rules", AdmissionRules.validate)
        errors.oneOf(webhook["failurePolicy"], ["Fail", "Ignore"], "\(path).failurePolicy")
        errors.oneOf(webhook["matchPolicy"], ["Equivalent", "Exact"], "\(path).matchPolicy")
        let effects = ["None", "NoneOnDryRun"]
        if webhook.present("sideEffects") == nil {
            errors.required("\(path).sideEffects", "must specify one of \(effects.joined(separator: ", "))")
        }
        errors.oneOf(webhook["sideEffects"], effects, "\(path).sideEffects")
        if let seconds = webhook["timeoutSeconds"]?.int, !(1...30).contains(seconds) {
            errors.invalid("\(path).timeoutSeconds", .int(seconds), "the timeout value must be between 1 and 30 seconds")
        }
        for key in ["namespaceSelector", "objectSelector"] {
            SelectorValidation.validate(webhook.present(key), "\(path).\(key)", &errors)
        }
        if isMutating {
            errors.oneOf(webhook["reinvocationPolicy"], ["IfNeeded", "Never"], "\(path).reinvocationPolicy")
        }
        WebhookClientConfiguration.validate(webhook["clientConfig"] ?? [:], "\(path).clientConfig", &errors)
    }

    private func validateVersions(_ versions: JSON, _ path: String, _ errors: inout FieldErrors) {
        let accepted = ["v1", "v1beta1"]
        let all = versions.strings
        if all.isEmpty { return errors.required(path, "must specify one of \(accepted.joined(separator: ", "))") }
        var seen: Set<String> = []
        for (index, version) in all.enumerated() {
            if seen.insert(version).inserted {
                errors.invalid("\(path)[\(index)]", version, Names.label1035(version))
            } else {
                errors.invalid("\(path)[\(index)]", .string(version), "duplicate version")
            }
        }
        if !all.contains(where: accepted.contains) {
            errors.invalid(path, versions, "must include at least one of \(accepted.joined(separator: ", "))")
        }
    }
}

/// How the server reaches a webhook.
enum WebhookClientConfiguration {
    static func validate(_ config: JSON, _ path: String, _ errors: inout FieldErrors) {
        switch (config.present("url")?.string, config.present("service")) {
        case (let url?, nil): validateURL(url, "\(path).url", &errors)
        case (nil, let service?): validateService(service, "\(path).service", &errors)
        default: errors.required(path, "exactly one of url or service is required")
        }
    }

    private static func validateURL(_ text: String, _ path: String, _ errors: inout FieldErrors) {
        let form = "desired format: https://host[/path]"
        func refuse(_ shown: String, _ detail: String) { errors.invalid(path, .string(shown), "\(detail); \(form)") }
        guard let separator = text.firstRange(of: "://") else {
            let scheme = text.firstIndex(of: ":").map { String(text[..<$0]) } ?? ""
            refuse(scheme, "'https' is the only allowed URL scheme")
            return refuse("", "host must be specified")
        }
        let scheme = String(text[..<separator.lowerBound])
        if scheme != "https" { refuse(scheme, "'https' is the only allowed URL scheme") }
        var rest = text[separator.upperBound...]
        var fragment = ""
        if let hash = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: hash)...])
            rest = rest[..<hash]
        }
        var query: String?
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let authority = rest.prefix { $0 != "/" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if host.isEmpty { refuse("", "host must be specified") }
        if authority.contains("@") {
            let user = String(authority.prefix { $0 != "@" })
            errors.invalid(path, .string(user), "user information is not permitted in the URL")
        }
        if !fragment.isEmpty { errors.invalid(path, .string(fragment), "fragments are not permitted in the URL") }
        if let query, !query.isEmpty {
            errors.invalid(path, .string(query), "query parameters are not permitted in the URL")
        }
    }

    static func validateService(_ service: JSON, _ path: String, _ errors: inout FieldErrors) {
        if !service.has("name") { errors.required("\(path).name", "service name is required") }
        if !service.has("namespace") { errors.required("\(path).namespace", "service namespace is required") }
        if let port = service["port"]?.int, !(1...65535).contains(port) {
            errors.invalid("\(path).port", .int(port), "port is not valid: \(Names.outside(1...65535))")
        }
        guard let target = service.present("path")?.string else { return }
        let path = "\(path).path"
        if target.utf8.contains(UInt8(ascii: "?")) || target.utf8.contains(UInt8(ascii: "#")) {
            errors.invalid(path, .string(target), "segment[0]: \(Names.subdomain(target).first ?? "")")
        }
        if target.isEmpty || target == "/" { return }
        if !target.hasPrefix("/") { return errors.invalid(path, .string(target), "must start with a '/'") }
        let trimmed = target.hasSuffix("/") ? target.dropFirst().dropLast() : target.dropFirst()
        for (index, segment) in trimmed.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if segment.isEmpty {
                errors.invalid(path, .string(target), "segment[\(index)] may not be empty")
                continue
            }
            errors.invalid(path, target, Names.subdomain(String(segment)).map { "segment[\(index)]: \($0)" })
        }
    }
}

/// Which operations on which resources a webhook or a policy is asked about.
enum AdmissionRules {
    static func validate(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        let operations = rule["operations"]?.strings ?? []
        if operations.isEmpty { errors.required("\(path).operations") }
        if operations.count > 1, operations.contains("*") {
            errors.invalid(
                "\(path).operations", rule["operations"], "if '*' is present, must not specify other operations")
        }
        let known = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]
        for (index, operation) in operations.enumerated() where !known.contains(operation) {
            errors.notSupported("\(path).operations[\(index)]", .string(operation), known)
        }
        for (key, name) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
            let values = rule[key]?.strings ?? []
            if values.isEmpty { errors.required("\(path).\(key)") }
            if values.count > 1, values.contains("*") {
                errors.invalid("\(path).\(key)", rule[key], "if '*' is present, must not specify other \(name)")
            }
            if key == "apiVersions" {
                for (index, value) in values.enumerated() where value.isEmpty {
                    errors.required("\(path).\(key)[\(index)]")
                }
            }
        }
        validateResources(rule, "\(path).resources", &errors)
        errors.oneOf(rule["scope"], ["*", "Cluster", "Namespaced"], "\(path).scope")
    }

    private static func validateResources(_ rule: JSON, _ path: String, _ errors: inout FieldErrors) {
        let resources = rule["resources"]?.strings ?? []
        if resources.isEmpty { return errors.required(path) }
        let allSubresources = Set(resources.compactMap { $0.hasSuffix("/*") ? String($0.dropLast(2)) : nil })
        let allResources = Set(resources.compactMap { $0.hasPrefix("*/") ? String($0.dropFirst(2)) : nil })
        for (index, resource) in resources.enumerated() {
            let path = "\(path)[\(index)]"
            if resource.isEmpty {
                errors.required(path)
                continue
            }
            if resource == "*/*", resources.count > 1 {
                errors.invalid(
                    "\(path)", rule["resources"],
                    "if '*/*' is present, must not specify other resources")
            }
            let parts = resource.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 1 { continue }
            if parts[1] != "*", allSubresources.contains(parts[0]) {
                errors.invalid(path, .string(resource), "if '\(parts[0])/*' is present, must not specify \(resource)")
            }
            if parts[0] != "*", allResources.contains(parts[1]) {
                errors.invalid(path, .string(resource), "if '*/\(parts[1])' is present, must not specify \(resource)")
            }
        }
        if resources.count > 1, resources.contains("*"), resources.contains(where: { !$0.contains("/") && $0 != "*" }) {
            errors.invalid(
                path, rule["resources"],
                "if '*' is present, must not specify other resources without subresources")
        }
    }
}

/// Conditions in CEL under which a request is looked at at all.
enum MatchConditions {
    static func validate(_ conditions: JSON?, hasParams: Bool, _ path: String, _ errors: inout FieldErrors) {
        let count = conditions?.elements.count ?? 0
        if count > 64 { errors.tooMany(path, count, 64) }
        var names: Set<String> = []
        errors.each(conditions, path) { condition, path, errors in
            AdmissionExpressions(hasParams: hasParams).validate(condition.text("expression"), "\(path).expression", &errors)
            errors.text(condition, "name", path, Names.qualified)
            let name = condition.text("name")
            if !name.isEmpty, !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
        }
    }
}
