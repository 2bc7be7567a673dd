import KubeObject

/// Whether the rules of a definition's schema make sense, and can't cost too much. For schemas that have nothing else wrong.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
struct RuleCheck {
    /// What one rule may cost for all the values of an object.
    static let ruleLimit: UInt64 = 10_000_000
    /// What all rules of a schema may cost together.
    static let schemaLimit: UInt64 = 100_000_000

    private var errors: [FieldError] = []
    private var total: UInt64 = 0
    private var expensive: [(path: String, cost: UInt64)] = []
    /// Whether a rule may cost what it likes, because it did already.
    private let allowsCost: Bool

    private init(allowsCost: Bool) { self.allowsCost = allowsCost }

    /// What is wrong with the rules of a schema that stands at `path`.
    ///
    /// - Parameter isUnchanged: whether the definition had the same schema before; then only the total is limited.
    static func errors(in schema: StructuralSchema, _ path: String, isUnchanged: Bool) -> [FieldError] {
        guard schema.hasRules else { return [] }
        var check = RuleCheck(allowsCost: isUnchanged)
        check.visit(schema, path, Context(sizes: nil, times: 1, uncorrelatable: nil, isRoot: true))
        return check.errors + check.totalErrors(path)
    }

    /// What a part of a schema inherits from the parts above it.
    private struct Context {
        /// The types and sizes of this part, where a part above has rules too.
        let sizes: CELSizes?
        /// How many values of this part an object can have; nil when nothing limits them.
        let times: UInt64?
        /// The part above in which a value can't be told to be the one that was there before.
        let uncorrelatable: String?
        let isRoot: Bool
    }

    private mutating func visit(_ schema: StructuralSchema, _ path: String, _ context: Context) {
        guard schema.hasRules else { return }
        let sizes =
            schema.rules.isEmpty
            ? context.sizes : context.sizes ?? schema.sizes(isResource: context.isRoot || schema.isEmbeddedResource)
        let times = Self.product(context.times, Self.factor(of: schema))
        func below(_ sizes: CELSizes?, loses: Bool) -> Context {
            Context(
                sizes: sizes, times: times, uncorrelatable: context.uncorrelatable ?? (loses ? path : nil), isRoot: false)
        }
        if let additional = schema.additionalSchema {
            visit(additional, "\(path).additionalProperties", below(sizes?.element, loses: false))
        }
        for name in schema.propertyNames {
            guard let property = schema.properties[name] else { continue }
            let field = CELNames.escape(name).flatMap { sizes?.fields[$0] }
            visit(property, "\(path).properties[\(name)]", below(field, loses: false))
        }
        if let items = schema.items {
            visit(items, "\(path).items", below(sizes?.element, loses: schema.listType != "map"))
        }
        guard !schema.rules.isEmpty else { return }
        guard let sizes else {
            let place = "\(path).x-kubernetes-validations"
            errors.append(
                FieldError(
                    .internalError, place, nil,
                    "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations"
                ))
            return
        }
        check(schema.rules, path, sizes, context)
    }

    private static func factor(of schema: StructuralSchema) -> UInt64? {
        func limit(_ value: Int64?) -> UInt64? { value.map { UInt64(max(0, $0)) } }
        switch schema.type {
        case "object":
            if case .unspecified = schema.additionalProperties { return 1 }
            return limit(schema.limits.maxProperties)
        case "array": return limit(schema.limits.maxItems)
        default: return 1
        }
    }

    private static func product(_ left: UInt64?, _ right: UInt64?) -> UInt64? {
        guard let left, let right else { return nil }
        return CELRange.multiply(left, right)
    }

    private mutating func check(_ rules: [ValidationRule], _ path: String, _ sizes: CELSizes, _ context: Context) {
        var environment = CELEnvironment()
        let type = sizes.declared("selfType", in: &environment.objects)
        // Of what nothing else limits, as many as a request can carry.
        let times = context.times ?? UInt64(StructuralSchema.maximumRequest) / (sizes.leastBytes + 1)
        for (index, rule) in rules.enumerated() {
            environment.variables = ["self": type, "oldSelf": rule.hasOptionalOldSelf ? .optional(type) : type]
            check(rule, "\(path).x-kubernetes-validations[\(index)]", environment, sizes, times, context)
        }
    }

    private mutating func check(
        _ rule: ValidationRule, _ path: String, _ environment: CELEnvironment, _ sizes: CELSizes, _ times: UInt64,
        _ context: Context
    ) {
        func invalid(_ key: String, _ detail: String) -> FieldError {
            FieldError(.invalid, "\(path).\(key)", nil, detail, shownValue: rule.shown)
        }
        var usesOldSelf = false
        switch Self.compile(rule.rule, environment, .bool) {
        case .failure(let problem):
            switch problem {
            case .meaningless(let text): errors.append(invalid("rule", "compilation failed: \(text)"))
            case .mistyped: errors.append(invalid("rule", "cel expression must evaluate to a bool"))
            case .unusable(let text):
                // As upstream: what can't be run was understood, so it is known to read the old value.
                usesOldSelf = rule.usesOldSelf
                errors.append(invalid("rule", "program instantiation failed: \(text)"))
            }
        case .success(let checked):
            usesOldSelf = checked.references.contains("oldSelf")
            observe(CELRange.multiply(checked.cost(sizes), times), "\(path).rule", "estimated rule cost")
            guard !rule.messageExpression.isEmpty else { break }
            switch Self.compile(rule.messageExpression, environment, .string) {
            case .failure(.meaningless(let text)):
                errors.append(invalid("messageExpression", "messageExpression compilation failed: \(text)"))
            case .failure(.mistyped):
                errors.append(invalid("messageExpression", "messageExpression must evaluate to a string"))
            case .failure(.unusable(let text)):
                errors.append(invalid("messageExpression", "messageExpression instantiation failed: \(text)"))
            case .success(let checked):
                observe(checked.cost(sizes), "\(path).messageExpression", "estimated messageExpression cost")
            }
        }
        if usesOldSelf {
            guard let part = context.uncorrelatable else { return }
            errors.append(
                .invalid(
                    "\(path).rule", .string(rule.rule),
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within \(part)"))
        } else if let given = rule.optionalOldSelf {
            errors.append(.invalid("\(path).optionalOldSelf", .bool(given), "may not be set if oldSelf is not used in rule"))
        }
    }

    /// Why an expression can't be a rule or a message.
    private enum Problem: Error {
        case meaningless(String)
        case mistyped
        case unusable(String)
    }

    private static func compile(
        _ source: String, _ environment: CELEnvironment, _ type: CELType
    ) -> Result<CELCheckedProgram, Problem> {
        let checked: CELCheckedProgram
        do throws(CELIssues) {
            checked = try CELProgram.checked(source, in: environment).checked
        } catch {
            return .failure(.meaningless(error.description))
        }
        guard checked.type == type else { return .failure(.mistyped) }
        if let problem = checked.instantiationProblem { return .failure(.unusable(problem)) }
        return .success(checked)
    }

    // MARK: Costs

    private mutating func observe(_ cost: UInt64, _ path: String, _ name: String) {
        if !allowsCost, cost > Self.ruleLimit { errors.append(.forbidden(path, Self.excess(name, cost, Self.ruleLimit))) }
        total = CELRange.add(total, cost)
        guard cost >= Self.schemaLimit / 100 else { return }
        // The four most expensive are told of.
        let place = expensive.firstIndex { $0.cost < cost } ?? expensive.count
        expensive.insert((path, cost), at: place)
        if expensive.count > 4 { expensive.removeLast() }
    }

    private func totalErrors(_ path: String) -> [FieldError] {
        guard total > Self.schemaLimit else { return [] }
        let parts = expensive.map {
            FieldError.forbidden(
                $0.path, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema")
        }
        let name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        return parts + [.forbidden(path, Self.excess(name, total, Self.schemaLimit))]
    }

    private static func excess(_ name: String, _ cost: UInt64, _ limit: UInt64) -> String {
        let factor = Double(cost) / Double(limit)
        let shown = factor > 100 ? "more than 100x" : "\(decimal(factor, places: factor < 1.5 ? 6 : 1))x"
        return
            "\(name) exceeds budget by factor of \(shown) (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let digits = String(Int64((value * scale).rounded(.toNearestOrEven)))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
