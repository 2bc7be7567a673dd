/// Calls that aren't calls: they are rewritten while reading.
enum CELMacro {
    /// - Parameter offset: of the opening parenthesis.
    static func expand(
        _ name: String, target: CELExpression?, _ arguments: [CELExpression], at offset: Int
    ) throws(CELError) -> CELExpression {
        CELExpression(try kind(name, target: target, arguments, at: offset), at: offset)
    }

    private static func variable(
        _ argument: CELExpression, _ problem: String = "argument must be a simple name"
    ) throws(CELError) -> CELLoopVariable {
        guard case .name(let name) = argument.kind else { throw CELError(problem, at: argument.offset) }
        guard name != "__result__" else {
            throw CELError("iteration variable overwrites accumulator variable", at: argument.offset)
        }
        return CELLoopVariable(name: name, offset: argument.offset)
    }

    private static func kind(
        _ name: String, target: CELExpression?, _ arguments: [CELExpression], at offset: Int
    ) throws(CELError) -> CELExpression.Kind {
        guard let target else {
            guard name == "has", arguments.count == 1 else { return .call(name, target: nil, arguments) }
            guard case .select(let operand, let field, isOptional: false) = arguments[0].kind else {
                throw CELError("invalid argument to has() macro", at: arguments[0].offset)
            }
            return .has(operand, field)
        }
        let kind = CELComprehension.Kind(rawValue: name == "existsOne" ? "exists_one" : name)
        switch (name, arguments.count) {
        case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("map", 2), ("filter", 2), ("map", 3):
            guard let kind else { break }
            let isQuantifier = kind != .map && kind != .filter
            let variable = try variable(
                arguments[0], isQuantifier ? "argument must be a simple name" : "argument is not an identifier")
            return .comprehension(
                CELComprehension(
                    kind: kind, range: target, variables: [variable], condition: arguments.count == 3 ? arguments[1] : nil,
                    body: arguments[arguments.count - 1]))
        case ("all", 3), ("exists", 3), ("exists_one", 3), ("existsOne", 3), ("transformList", 3...4), ("transformMap", 3...4),
            ("transformMapEntry", 3...4):
            guard let kind else { break }
            let variables = [try variable(arguments[0]), try variable(arguments[1])]
            guard variables[0].name != variables[1].name else {
                throw CELError("duplicate variable name: \(variables[0].name)", at: variables[1].offset)
            }
            return .comprehension(
                CELComprehension(
                    kind: kind, range: target, variables: variables, condition: arguments.count == 4 ? arguments[2] : nil,
                    body: arguments[arguments.count - 1]))
        case ("optMap", 2), ("optFlatMap", 2):
            return .optionalMap(
                target, try variable(arguments[0], "\(name)() variable name must be a simple identifier"), arguments[1],
                isFlat: name == "optFlatMap")
        case ("sortBy", 2):
            return .sortBy(
                target,
                try variable(
                    arguments[0], "sortBy can only be applied to a list, identifier, comprehension, call or select expression"),
                arguments[1])
        case ("bind", 3):
            guard case .name("cel") = target.kind, case .name(let name) = arguments[0].kind else { break }
            return .bind(
                space: target, CELLoopVariable(name: name, offset: arguments[0].offset), arguments[1], arguments[2])
        default: break
        }
        if case .name(let space) = target.kind, CELFunctions.qualified.contains("\(space).\(name)") {
            return .qualifiedCall("\(space).\(name)", space: target, arguments)
        }
        return .call(name, target: target, arguments)
    }
}
