import KubeObject

/// ValidatingAdmissionPolicy and MutatingAdmissionPolicy.
struct AdmissionPolicyRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }
    var isMutating: Bool

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("failurePolicy", "Fail")
            spec.edit("matchConstraints") { MatchedResources.setDefaults(&$0) }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        if !isMutating { object["status"] = [:] }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { validate(object, old: nil, &errors) }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) { validate(object, old: old, &errors) }

    private func validate(_ object: JSON, old: JSON?, _ errors: inout FieldErrors) {
        // What was accepted once isn't looked at again.
        if let old, FieldErrors.isSame(object["spec"], old["spec"]) { return }
        let spec = object["spec"] ?? [:]
        let paramKind = spec.present("paramKind")
        let expressions = AdmissionExpressions(hasParams: paramKind != nil)
        errors.oneOf(spec["failurePolicy"], ["Fail", "Ignore"], "spec.failurePolicy", isRequired: true)
        if let paramKind { ParamKind.validate(paramKind, "spec.paramKind", &errors) }
        if let constraints = spec.present("matchConstraints") {
            MatchedResources.validate(constraints, "spec.matchConstraints", &errors)
            if constraints["resourceRules"]?.elements.isEmpty ?? true {
                errors.required("spec.matchConstraints.resourceRules")
            }
        } else {
            errors.required("spec.matchConstraints")
        }
        MatchConditions.validate(
            spec["matchConditions"], hasParams: paramKind != nil, "spec.matchConditions", &errors)
        errors.each(spec["variables"], "spec.variables") { variable, path, errors in
            if variable.text("name").isEmpty {
                errors.required("\(path).name", "name is not specified")
            } else if !Self.isIdentifier(variable.text("name")) {
                errors.invalid("\(path).name", variable["name"], "name is not a valid CEL identifier")
            }
            expressions.validate(
                variable.text("expression"), "\(path).expression", missing: "expression is not specified", &errors)
        }
        if isMutating {
            validateMutations(spec, expressions, &errors)
        } else {
            validateValidations(spec, name: object["metadata"]?.text("name") ?? "", expressions, &errors)
        }
    }

    private func validateValidations(
        _ spec: JSON, name: String, _ expressions: AdmissionExpressions, _ errors: inout FieldErrors
    ) {
        let annotations = spec["auditAnnotations"]?.elements ?? []
        if spec["validations"]?.elements.isEmpty ?? true, annotations.isEmpty {
            for key in ["validations", "auditAnnotations"] {
                errors.required("spec.\(key)", "validations or auditAnnotations must contain at least one item")
            }
            return
        }
        errors.each(spec["validations"], "spec.validations") { validation, path, errors in
            validateValidation(validation, path, expressions, &errors)
        }
        if annotations.count > 20 {
            errors.invalid("spec.auditAnnotations", spec["auditAnnotations"], "must not have more than 20 auditAnnotations")
        }
        var keys: Set<String> = []
        errors.each(spec["auditAnnotations"], "spec.auditAnnotations") { annotation, path, errors in
            let key = annotation.text("key")
            for problem in Names.qualified("\(name)/\(key)") { errors.invalid("\(path).key", .string(key), problem) }
            let expression = annotation.text("valueExpression")
            if expression.utf8.count > 5 * 1024 {
                errors.required("\(path).valueExpression", "must not exceed 5120 bytes in length")
            } else {
                expressions.validate(
                    expression, "\(path).valueExpression", missing: "valueExpression is not specified", &errors)
            }
            if !keys.insert(key).inserted { errors.duplicate("\(path).key", .string(key)) }
        }
    }

    private func validateValidation(
        _ validation: JSON, _ path: String, _ expressions: AdmissionExpressions, _ errors: inout FieldErrors
    ) {
        expressions.validate(
            validation.text("expression"), "\(path).expression", missing: "expression is not specified", &errors)
        let messageExpression = validation.text("messageExpression")
        if !messageExpression.isEmpty {
            if messageExpression.allSatisfy(\.isWhitespace) {
                errors.invalid(
                    "\(path).messageExpression", .string(messageExpression), "must be non-empty if specified")
            } else {
                expressions.validate(messageExpression, "\(path).messageExpression", &errors)
            }
        }
        let message = validation.text("message")
        let trimmed = message.trimming(while: \.isWhitespace)
        if !message.isEmpty, trimmed.isEmpty {
            errors.invalid("\(path).message", .string(message), "message must be non-empty if specified")
        } else if trimmed.contains(where: \.isNewline) {
            errors.invalid("\(path).message", .string(message), "message must not contain line breaks")
        }
        errors.oneOf(
            validation["reason"], ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"], "\(path).reason")
    }

    private func validateMutations(_ spec: JSON, _ expressions: AdmissionExpressions, _ errors: inout FieldErrors) {
        if spec["mutations"]?.elements.isEmpty ?? true {
            errors.required("spec.mutations", "mutations must contain at least one item")
        }
        let fields = ["ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"]
        errors.each(spec["mutations"], "spec.mutations") { mutation, path, errors in
            let type = mutation.text("patchType")
            errors.oneOf(mutation["patchType"], fields.keys.sorted(), "\(path).patchType", isRequired: true)
            guard let field = fields[type] else { return }
            for other in fields.values.sorted() where other != field && mutation.present(other) != nil {
                errors.invalid("\(path).\(other)", mutation[other], "must not be specified when patchType is \(type)")
            }
            guard let patch = mutation.present(field) else {
                return errors.required("\(path).\(field)", "must be specified when patchType is \(type)")
            }
            expressions.validate(
                patch.text("expression"), "\(path).\(field).expression", missing: "expression is not specified", &errors)
        }
        errors.oneOf(
            spec["reinvocationPolicy"], ["IfNeeded", "Never"], "spec.reinvocationPolicy", isRequired: true)
    }

    private static let reservedWords: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
        "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    /// Whether an expression could use the text as a name.
    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == UInt8(ascii: "_") || Names.isAlphanumeric(first) else { return false }
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) || reservedWords.contains(text) { return false }
        return text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || Names.isAlphanumeric($0) }
    }
}

/// The kind of a policy's parameters.
enum ParamKind {
    static func validate(_ kind: JSON, _ path: String, _ errors: inout FieldErrors) {
        let version = kind.text("apiVersion")
        let parts = version.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if version.isEmpty {
            errors.required("\(path).apiVersion")
        } else if parts.count > 2 {
            errors.invalid("\(path).apiVersion", .string(version), "unexpected GroupVersion string: \(version)")
        } else {
            if parts.count == 2, !parts[0].isEmpty {
                join(Names.subdomain(parts[0]), "\(path).apiVersion", parts[0], "", &errors)
            }
            if let last = parts.last, !last.isEmpty {
                join(Names.label1035(last), "\(path).apiVersion", last, "", &errors)
            } else {
                errors.invalid("\(path).apiVersion", .string(version), "version must be specified")
            }
        }
        let name = kind.text("kind")
        if name.isEmpty { return errors.required("\(path).kind") }
        join(
            Names.label1035(name.lowercased()), "\(path).kind", name,
            "may have mixed case, but should otherwise match: ", &errors)
    }

    private static func join(
        _ problems: [String], _ path: String, _ value: String, _ prefix: String, _ errors: inout FieldErrors
    ) {
        if !problems.isEmpty { errors.invalid(path, .string(value), prefix + problems.joined(separator: ",")) }
    }
}

/// Which resources a policy, or a binding of one, is about.
enum MatchedResources {
    static func setDefaults(_ resources: inout JSON) {
        resources.setDefaultText("matchPolicy", "Equivalent")
        resources.setDefault("namespaceSelector", [:])
        resources.setDefault("objectSelector", [:])
        for key in ["resourceRules", "excludeResourceRules"] {
            resources.editEach(key) { $0.setDefaultText("scope", "*") }
        }
    }

    static func validate(_ resources: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.oneOf(resources["matchPolicy"], ["Equivalent", "Exact"], "\(path).matchPolicy", isRequired: true)
        for (key, shown) in [("namespaceSelector", "namespaceSelector"), ("objectSelector", "labelSelector")] {
            SelectorValidation.validate(resources.present(key), "\(path).\(shown)", &errors)
        }
        for key in ["resourceRules", "excludeResourceRules"] {
            errors.each(resources[key], "\(path).\(key)") { rule, path, errors in
                var names: Set<String> = []
                errors.each(rule["resourceNames"], "\(path).resourceNames") { name, path, errors in
                    guard let name = name.string else { return }
                    errors.invalid(path, name, Names.pathSegment(name))
                    if !names.insert(name).inserted { errors.duplicate(path, .string(name)) }
                }
                AdmissionRules.validate(rule, path, &errors)
            }
        }
    }
}
