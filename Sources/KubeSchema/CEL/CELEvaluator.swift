import KubeObject

/// Walks an expression.
struct CELEvaluator {
    let variables: CELVariables
    var budget: CELBudget
    /// Variables of comprehensions and bindings, the innermost last.
    private var locals: [(name: String, value: CELValue)] = []

    init(variables: CELVariables, budget: CELBudget) {
        self.variables = variables
        self.budget = budget
    }

    /// What it costs is what upstream counts: one for a variable and for each step into it, and what ``CELCallCost`` says of calls.
    /// Nothing else costs anything by itself but making lists (10), maps (30) and objects (40) that aren't constants.
    ///
    /// - Parameter isBranch: of a conditional. There a variable, or another value that is stepped into, isn't counted, only the steps are.
    mutating func evaluate(_ expression: CELExpression, isBranch: Bool = false) throws(CELError) -> CELValue {
        switch expression.kind {
        case .literal(let value): return value
        case .name(let name): return try variable(name, isCounted: !isBranch)
        case .select(let operand, let field, let isOptional):
            if let type = Self.typeName(expression) { return .type(type) }
            return try select(try stepInto(operand, isBranch: isBranch), field.key, isOptional: isOptional)
        case .index(let operand, let key, let isOptional):
            return try index(try stepInto(operand, isBranch: isBranch), try evaluate(key), isOptional: isOptional)
        case .has(let operand, let field):
            if !Self.isSteps(operand) { try budget.spend(1) }
            switch try evaluate(operand) {
            case .optional(let value): return .bool(value?.member(.string(field.key)) != nil)
            case .opaque(let object): return .bool(try object.member(field.key) != nil)
            case let value:
                guard value.isMap else { throw .noOverload("has") }
                return .bool(value.member(.string(field.key)) != nil)
            }
        case .call(let name, let target, let arguments): return try call(name, target, arguments)
        case .qualifiedCall(let name, space: _, let arguments): return try call(name, nil, arguments)
        case .list(let elements):
            if !elements.allSatisfy({ !$0.isOptional && Self.isConstant($0.value) }) { try budget.spend(10) }
            var values: [CELValue] = []
            for (element, isOptional) in elements {
                let value = try evaluate(element)
                guard isOptional else {
                    values.append(value)
                    continue
                }
                guard case .optional(let inner) = value else { throw .noOverload("optional list element") }
                if let inner { values.append(inner) }
            }
            return .list(values)
        case .map(let entries):
            if !entries.allSatisfy({ !$0.isOptional && Self.isConstant($0.key) && Self.isConstant($0.value) }) {
                try budget.spend(30)
            }
            return try map(entries)
        case .construct(let type, let fields):
            try budget.spend(40)
            return try construct(type, fields)
        case .conditional(let condition, let yes, let no):
            guard case .bool(let value) = try evaluate(condition) else { throw .noOverload("_?_:_") }
            return try evaluate(value ? yes : no, isBranch: true)
        case .and(let left, let right): return try logic(left, right, absorbing: false)
        case .or(let left, let right): return try logic(left, right, absorbing: true)
        case .comprehension(let loop): return try comprehension(loop)
        case .bind(space: _, let variable, let value, let body):
            let value = try evaluate(value)
            return try with([(variable.name, value)]) { evaluator throws(CELError) in try evaluator.evaluate(body) }
        case .optionalMap(let operand, let variable, let body, let isFlat):
            guard case .optional(let value) = try evaluate(operand) else { throw .noOverload("optMap") }
            // As upstream writes the macro out: whether there is a value is asked, and then it, or nothing, is made an optional.
            if case .name = operand.kind { try budget.spend(1) } else { try budget.spend(2) }
            guard let value else {
                try budget.spend(1)
                return .optional(nil)
            }
            try budget.spend(isFlat ? 2 : 3)
            let result = try with([(variable.name, value)]) { evaluator throws(CELError) in try evaluator.evaluate(body) }
            return isFlat ? result : .optional(result)
        case .sortBy(let operand, let variable, let key): return try sorted(operand, by: key, of: variable.name)
        }
    }

    /// What a step leads into. A value that isn't a variable, or steps from one, is counted once itself.
    private mutating func stepInto(_ operand: CELExpression, isBranch: Bool) throws(CELError) -> CELValue {
        if Self.isSteps(operand) {
            let value = try evaluate(operand, isBranch: isBranch)
            try budget.spend(1)
            return value
        }
        let value = try evaluate(operand)
        try budget.spend(isBranch ? 1 : 2)
        return value
    }

    /// Whether an expression is a variable, steps from one, or a choice, which is stepped into as what was chosen would be.
    private static func isSteps(_ expression: CELExpression) -> Bool {
        switch expression.kind {
        case .name, .select, .index, .conditional: true
        default: false
        }
    }

    /// Whether a value is known before any evaluation.
    private static func isConstant(_ expression: CELExpression) -> Bool {
        switch expression.kind {
        case .literal: true
        case .list(let elements): elements.allSatisfy { !$0.isOptional && isConstant($0.value) }
        case .map(let entries): entries.allSatisfy { !$0.isOptional && isConstant($0.key) && isConstant($0.value) }
        case .call(let name, target: nil, let arguments): isConversion(name, arguments)
        default: false
        }
    }

    /// Whether a call is one of the conversions that are made beforehand, since what they convert is known.
    private static func isConversion(_ name: String, _ arguments: [CELExpression]) -> Bool {
        CELCheckedProgram.conversions.contains(name) && arguments.count == 1 && isConstant(arguments[0])
    }

    /// The type that is named by a name with dots, as `google.protobuf.Timestamp`; nil for anything else.
    private static func typeName(_ expression: CELExpression) -> String? {
        var names: [String] = []
        var rest = expression
        while case .select(let operand, let field, isOptional: false) = rest.kind {
            // Types begin with a capital: of other chains nothing more is looked at.
            guard names.count < 2, !names.isEmpty || field.key.first?.isUppercase == true else { return nil }
            names.append(field.key)
            rest = operand
        }
        guard case .name(let first) = rest.kind else { return nil }
        let name = ([first] + names.reversed()).joined(separator: ".")
        return CELType.named[name] == nil ? nil : name
    }

    private mutating func variable(_ name: String, isCounted: Bool) throws(CELError) -> CELValue {
        if let local = locals.last(where: { $0.name == name }) {
            if isCounted { try budget.spend(1) }
            return local.value
        }
        if let value = try variables.value(name) {
            if isCounted { try budget.spend(1) }
            return value
        }
        if CELFunctions.typeNames.contains(name) { return .type(name) }
        throw CELError("undeclared reference to '\(name)' (in container '')")
    }

    private mutating func with<Result>(
        _ names: [(String, CELValue)], _ body: (inout CELEvaluator) throws(CELError) -> Result
    ) throws(CELError) -> Result {
        let count = locals.count
        for (name, value) in names { locals.append((name, value)) }
        defer { locals.removeLast(locals.count - count) }
        return try body(&self)
    }

    private func select(_ value: CELValue, _ field: String, isOptional: Bool) throws(CELError) -> CELValue {
        if case .optional(let inner) = value {
            return .optional(inner?.member(.string(field)))
        }
        let found: CELValue?
        if case .opaque(let object) = value { found = try object.member(field) } else { found = value.member(.string(field)) }
        if isOptional { return .optional(found) }
        guard let found else {
            throw !value.isMap ? .noOverload("select of a \(value.typeName)") : CELError("no such key: \(field)")
        }
        return found
    }

    private func index(_ value: CELValue, _ key: CELValue, isOptional: Bool) throws(CELError) -> CELValue {
        if case .optional(let inner) = value {
            return .optional(try inner.map { value throws(CELError) in try lookUp(value, key) } ?? nil)
        }
        let found = try lookUp(value, key)
        if isOptional { return .optional(found) }
        if let found { return found }
        if value.isMap { throw CELError("no such key: \(CELConversion.string(key) ?? "")") }
        throw CELError("index out of bounds: \(CELConversion.string(key) ?? "")")
    }

    private func lookUp(_ value: CELValue, _ key: CELValue) throws(CELError) -> CELValue? {
        if value.isMap { return value.member(key) }
        let position: Int? =
            switch key {
            case .int(let index): Int(index)
            case .uint(let index): Int(exactly: index)
            case .double(let index): Int(exactly: index)
            default: nil
            }
        guard let position, let count = value.count else { throw .noOverload("_[_]") }
        guard position >= 0, position < count else { return nil }
        if case .json(.array(let array)) = value { return CELValue(array[position]) }
        return value.elements?[position]
    }

    private mutating func map(
        _ entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)]
    ) throws(CELError) -> CELValue {
        var values: [(key: CELValue, value: CELValue)] = []
        for (key, value, isOptional) in entries {
            let key = try evaluate(key)
            var value = try evaluate(value)
            if isOptional {
                guard case .optional(let inner) = value else { throw .noOverload("optional map entry") }
                guard let inner else { continue }
                value = inner
            }
            if values.contains(where: { CELComparison.equal($0.key, key) }) {
                throw CELError("Failed with repeated key: \(CELConversion.string(key) ?? "")")
            }
            values.append((key, value))
        }
        return .map(values)
    }

    private mutating func construct(
        _ type: String, _ fields: [(field: CELField, value: CELExpression, isOptional: Bool)]
    ) throws(CELError) -> CELValue {
        var values: [(field: String, value: CELValue)] = []
        for (field, value, isOptional) in fields {
            var value = try evaluate(value)
            if isOptional {
                guard case .optional(let inner) = value else { throw .noOverload("optional field") }
                guard let inner else { continue }
                value = inner
            }
            values.append((field.key, value))
        }
        return .opaque(CELConstructed(typeName: type, fields: values))
    }

    /// One side's verdict can make the other side's error unimportant.
    private mutating func logic(_ left: CELExpression, _ right: CELExpression, absorbing: Bool) throws(CELError) -> CELValue {
        var failure: CELError?
        for side in [left, right] {
            do throws(CELError) {
                guard case .bool(let value) = try evaluate(side) else { throw .noOverload(absorbing ? "_||_" : "_&&_") }
                if value == absorbing { return .bool(absorbing) }
            } catch {
                if error.isCostExceeded { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .bool(!absorbing)
    }

    private mutating func call(
        _ name: String, _ target: CELExpression?, _ arguments: [CELExpression]
    ) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        if let target { values.append(try evaluate(target)) }
        for argument in arguments { values.append(try evaluate(argument)) }
        if target != nil, case .opaque(let object) = values[0] {
            try budget.spend(object.cost(of: name))
            return try object.call(name, Array(values.dropFirst()))
        }
        if target == nil, Self.isConversion(name, arguments) {
            return try CELFunctions.call(name, isMember: false, values)
        }
        // What is looked for in a list that is known beforehand is looked up, and not compared with one element after the other.
        if name == "_in_", arguments.count == 2, case .list(let elements) = arguments[1].kind,
            elements.allSatisfy({ Self.isLiteral($0.value) })
        {
            return try CELFunctions.call(name, isMember: false, values)
        }
        if name == "join" {
            let result = try CELFunctions.call(name, isMember: target != nil, values)
            try budget.spend(CELCallCost.cost(of: name, values, result: result))
            return result
        }
        try budget.spend(CELCallCost.cost(of: name, values, result: nil))
        return try CELFunctions.call(name, isMember: target != nil, values)
    }

    private static func isLiteral(_ expression: CELExpression) -> Bool {
        if case .literal = expression.kind { true } else { false }
    }

    private mutating func comprehension(_ loop: CELComprehension) throws(CELError) -> CELValue {
        let range = try evaluate(loop.range)
        var pairs: [(CELValue, CELValue)]
        if let entries = range.entries {
            pairs = entries.map { ($0.key, $0.value) }
        } else if let elements = range.elements {
            pairs = elements.enumerated().map { (.int(Int64($0.offset)), $0.element) }
        } else {
            throw .noOverload(loop.kind.rawValue)
        }
        let isMap = range.isMap
        var results: [CELValue] = []
        var entries: [(key: CELValue, value: CELValue)] = []
        var count = 0
        var failure: CELError?
        for (number, (key, value)) in pairs.enumerated() {
            try budget.spend(loop.kind.turnCost)
            let names: [(String, CELValue)] =
                loop.variables.count == 2
                ? [(loop.variables[0].name, key), (loop.variables[1].name, value)]
                : [(loop.variables[0].name, isMap ? key : value)]
            if let condition = loop.condition {
                let isWanted = try with(names) { evaluator throws(CELError) in try evaluator.evaluate(condition) }
                guard case .bool(let isWanted) = isWanted else { throw .noOverload(loop.kind.rawValue) }
                if !isWanted { continue }
                try budget.spend(loop.kind.insertionCost)
            }
            let result: CELValue
            do throws(CELError) {
                result = try with(names) { evaluator throws(CELError) in try evaluator.evaluate(loop.body) }
            } catch {
                // `all` and `exists` are chains of && and ||.
                guard loop.kind == .all || loop.kind == .exists, !error.isCostExceeded else { throw error }
                failure = failure ?? error
                continue
            }
            switch loop.kind {
            case .map, .transformList, .transformMap, .transformMapEntry:
                if loop.condition == nil { try budget.spend(loop.kind.insertionCost) }
                switch loop.kind {
                case .transformMap: entries.append((key, result))
                case .transformMapEntry: entries += result.entries ?? []
                default: results.append(result)
                }
            case .all, .exists, .existsOne, .filter:
                guard case .bool(let verdict) = result else { throw .noOverload(loop.kind.rawValue) }
                if loop.kind == .all && !verdict || loop.kind == .exists && verdict {
                    // Whether to go on is asked before the next one.
                    try budget.spend((number + 1 < pairs.count ? loop.kind.turnCost - 1 : 0) + loop.kind.resultCost)
                    return .bool(verdict)
                }
                if verdict { try budget.spend(loop.kind.insertionCost) }
                if verdict { count += 1 }
                if loop.kind == .filter, verdict { results.append(isMap && loop.variables.count == 1 ? key : value) }
            }
        }
        if let failure { throw failure }
        try budget.spend(loop.kind.resultCost)
        switch loop.kind {
        case .all: return .bool(true)
        case .exists: return .bool(false)
        case .existsOne: return .bool(count == 1)
        case .map, .filter, .transformList: return .list(results)
        case .transformMap, .transformMapEntry: return .map(entries)
        }
    }

    private mutating func sorted(
        _ operand: CELExpression, by key: CELExpression, of name: String
    ) throws(CELError) -> CELValue {
        guard let elements = try evaluate(operand).elements else { throw .noOverload("sortBy") }
        var keys: [CELValue] = []
        for element in elements {
            try budget.spend(12)
            keys.append(try with([(name, element)]) { evaluator throws(CELError) in try evaluator.evaluate(key) })
        }
        try budget.spend(3 + CELCallCost.sorting(elements.count))
        return .list(try CELFunctions.sorted(elements, by: keys))
    }
}

/// What the loops cost that upstream writes the macros out as, beside the expressions that are in them: reading the accumulator, and calls.
extension CELComprehension.Kind {
    /// Of each turn: whether to go on, and what there is so far.
    fileprivate var turnCost: Int {
        switch self {
        case .all: 3
        case .exists: 4
        case .existsOne, .map, .filter, .transformList, .transformMap, .transformMapEntry: 0
        }
    }

    /// Of a turn that adds something.
    fileprivate var insertionCost: Int {
        switch self {
        case .all, .exists: 0
        case .existsOne, .transformMapEntry: 2
        case .transformMap: 3
        case .map, .transformList: 12
        case .filter: 13
        }
    }

    fileprivate var resultCost: Int { self == .existsOne ? 2 : 1 }
}
