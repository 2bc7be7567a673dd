/// Finds the types of an expression's parts.
/// Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking
struct CELChecker {
    let tree: CELTree
    let environment: CELEnvironment
    private(set) var issues: [CELIssues.Issue] = []
    /// By the number of a part; `error` until it is found.
    private(set) var types: [CELType]
    private var overloads: [Int: [String]] = [:]
    private var references: Set<String> = []
    private var qualified: Set<Int> = []
    private var unknowns = CELUnknownTypes()
    /// Variables of loops, the innermost last.
    private var locals: [(name: String, type: CELType)] = []

    init(_ tree: CELTree, _ environment: CELEnvironment) {
        self.tree = tree
        self.environment = environment
        types = Array(repeating: .error, count: tree.nodes.count)
    }

    var checked: CELCheckedProgram {
        CELCheckedProgram(
            type: types[tree.root], references: references, tree: tree, types: types, overloads: overloads,
            qualified: qualified)
    }

    mutating func check() {
        check(tree.root)
        for index in types.indices { types[index] = unknowns.substitute(types[index], openIsDynamic: true) }
    }

    mutating func report(_ message: String, _ node: Int) {
        issues.append(CELIssues.Issue(message: message, offset: tree.nodes[node].offset))
    }

    private mutating func undeclared(_ name: String, _ node: Int) {
        report("undeclared reference to '\(name)' (in container '')", node)
    }

    private mutating func mismatch(_ expected: CELType, _ found: CELType, _ node: Int) {
        report("expected type '\(expected)' but found '\(found)'", node)
    }

    private mutating func check(_ node: Int) {
        switch tree.nodes[node].kind {
        case .literal(let value): types[node] = Self.type(of: value)
        case .name(let name):
            if let type = resolve(name) {
                types[node] = type
            } else {
                undeclared(name, node)
            }
        case .select(let operand, let field, let isTest): select(node, operand, field, isTest: isTest)
        case .call(let name, let target, let arguments): call(node, name, target, arguments)
        case .list(let elements, let optional): list(node, elements, optional)
        case .map(let entries): map(node, entries)
        case .loop(let loop): self.loop(node, loop)
        }
    }

    private static func type(of literal: CELValue) -> CELType {
        switch literal {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    // MARK: Names and fields

    private mutating func resolve(_ name: String) -> CELType? {
        if let local = locals.last(where: { $0.name == name }) { return local.type }
        if let type = environment.variables[name] {
            references.insert(name)
            return type
        }
        return CELType.named[name].map { .type($0) }
    }

    /// `a.b.c` when it is written so.
    private func qualifiedName(_ node: Int) -> String? {
        switch tree.nodes[node].kind {
        case .name(let name): return name
        case .select(let operand, let field, isTest: false): return qualifiedName(operand).map { "\($0).\(field)" }
        default: return nil
        }
    }

    private mutating func select(_ node: Int, _ operand: Int, _ field: String, isTest: Bool) {
        if !isTest, let name = qualifiedName(node), let first = name.split(separator: ".").first,
            !locals.contains(where: { $0.name == first }), let type = resolve(name)
        {
            types[node] = type
            qualified.insert(node)
            return
        }
        let type = self.field(of: operand, field, node, isOptional: false)
        types[node] = isTest ? .bool : unknowns.substitute(type)
    }

    private mutating func field(of operand: Int, _ field: String, _ node: Int, isOptional: Bool) -> CELType {
        check(operand)
        var target = unknowns.substitute(types[operand])
        var isOptional = isOptional
        if case .optional(let inner) = target {
            target = inner
            isOptional = true
        }
        var result = CELType.dyn
        switch target {
        case .map(_, let value): result = value
        case .object(let name):
            if let type = environment.objects[name]?[field] {
                result = type
            } else {
                report("undefined field '\(field)'", node)
                result = .error
            }
        case .variable: _ = unknowns.isAssignable(.dyn, target)
        case .dyn, .error: break
        default: report("type '\(target)' does not support field selection", node)
        }
        return isOptional ? .optional(result) : result
    }

    // MARK: Calls

    private mutating func call(_ node: Int, _ name: String, _ target: Int?, _ arguments: [Int]) {
        if name == "_?._", arguments.count == 2, case .literal(.string(let field)) = tree.nodes[arguments[1]].kind {
            types[node] = unknowns.substitute(self.field(of: arguments[0], field, node, isOptional: true))
            overloads[node] = ["select_optional_field"]
            return
        }
        for argument in arguments { check(argument) }
        guard let target else {
            guard let function = environment.functions[name] else { return undeclared(name, node) }
            return resolve(node, name, function, nil, arguments)
        }
        if let space = qualifiedName(target), let function = environment.functions["\(space).\(name)"] {
            return resolve(node, "\(space).\(name)", function, nil, arguments)
        }
        check(target)
        guard let function = environment.functions[name] else { return undeclared(name, node) }
        resolve(node, name, function, target, arguments)
    }

    private mutating func resolve(
        _ node: Int, _ name: String, _ function: [CELOverload], _ target: Int?, _ arguments: [Int]
    ) {
        if name == "_&&_" || name == "_||_" { return logic(node, function, arguments) }
        let given = ((target.map { [$0] } ?? []) + arguments).map { types[$0] }
        var found: [String] = []
        var result: CELType?
        for overload in function where overload.isMember == (target != nil) && overload.arguments.count == given.count {
            var wanted = overload.arguments
            var returned = overload.result
            if overload.parameters > 0 {
                let first = unknowns.add(overload.parameters)
                wanted = wanted.map { $0.replacing { .variable(first + $0) } }
                returned = returned.replacing { .variable(first + $0) }
            }
            guard unknowns.isAssignable(given, wanted) else { continue }
            found.append(overload.id)
            let type = unknowns.substitute(returned)
            if let known = result {
                if known != .dyn, known != type { result = .dyn }
            } else {
                result = type
            }
        }
        guard let result else {
            let shown = given.map { unknowns.substitute($0, openIsDynamic: true).description }
            let signature =
                target == nil
                ? "(\(shown.joined(separator: ", ")))" : "\(shown[0]).(\(shown.dropFirst().joined(separator: ", ")))"
            return report("found no matching overload for '\(name)' applied to '\(signature)'", node)
        }
        types[node] = result
        overloads[node] = found
    }

    private mutating func logic(_ node: Int, _ function: [CELOverload], _ arguments: [Int]) {
        var agrees = true
        for argument in arguments where !unknowns.isAssignable(types[argument], .bool) {
            mismatch(.bool, types[argument], argument)
            agrees = false
        }
        guard agrees else { return }
        types[node] = .bool
        overloads[node] = function.map(\.id)
    }

    // MARK: Lists and maps

    /// What two elements of a literal have in common; whether they must have something is seen later (`checkLiterals`).
    private mutating func join(_ previous: CELType?, _ type: CELType) -> CELType {
        guard let previous else { return type }
        return unknowns.isAssignable(previous, type) ? CELUnknownTypes.mostGeneral(previous, type) : .dyn
    }

    private mutating func unwrapped(_ node: Int, isOptional: Bool) -> CELType {
        let type = types[node]
        guard isOptional else { return type }
        if case .optional(let inner) = type { return inner }
        if type != .dyn { mismatch(.optional(type), type, node) }
        return type
    }

    private mutating func list(_ node: Int, _ elements: [Int], _ optional: Set<Int>) {
        var type: CELType?
        for (index, element) in elements.enumerated() {
            check(element)
            type = join(type, unwrapped(element, isOptional: optional.contains(index)))
        }
        types[node] = unknowns.limited(.list(type ?? .variable(unknowns.add(1))))
    }

    private mutating func map(_ node: Int, _ entries: [CELTree.Entry]) {
        var keyType: CELType?
        var valueType: CELType?
        for entry in entries {
            check(entry.key)
            keyType = join(keyType, types[entry.key])
            check(entry.value)
            valueType = join(valueType, unwrapped(entry.value, isOptional: entry.isOptional))
        }
        let key = keyType ?? .variable(unknowns.add(1))
        types[node] = unknowns.limited(.map(key, valueType ?? .variable(unknowns.add(1))))
    }

    private mutating func loop(_ node: Int, _ loop: CELTree.Loop) {
        check(loop.range)
        check(loop.initial)
        let range = unknowns.substitute(types[loop.range])
        let accumulated = types[loop.initial]
        let outside = locals.count
        locals.append((loop.accumulator, accumulated))
        let isPair = loop.variables.count == 2
        var variables: (CELType, CELType)
        switch range {
        case .list(let element): variables = isPair ? (.int, element) : (element, element)
        case .map(let key, let value): variables = (key, value)
        case .dyn, .error, .variable:
            _ = unknowns.isAssignable(.dyn, range)
            variables = (.dyn, .dyn)
        default:
            report(
                "expression of type '\(range)' cannot be range of a comprehension (must be list, map, or dynamic)", loop.range)
            variables = (.error, .error)
        }
        let body = locals.count
        locals.append((loop.variables[0], variables.0))
        if isPair { locals.append((loop.variables[1], variables.1)) }
        check(loop.condition)
        assert(loop.condition, .bool)
        check(loop.step)
        assert(loop.step, accumulated)
        locals.removeLast(locals.count - body)
        check(loop.result)
        locals.removeLast(locals.count - outside)
        types[node] = unknowns.substitute(types[loop.result])
    }

    private mutating func assert(_ node: Int, _ type: CELType) {
        if !unknowns.isAssignable(type, types[node]) { mismatch(type, types[node], node) }
    }
}
