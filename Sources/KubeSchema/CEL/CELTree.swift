/// An expression with its macros written out, as types and costs are reckoned on it: loops have an accumulator, and every part has a
/// number.
struct CELTree {
    enum Kind {
        case literal(CELValue)
        case name(String)
        case select(Int, String, isTest: Bool)
        case call(String, target: Int?, [Int])
        case list([Int], optional: Set<Int>)
        case map([Entry])
        case loop(Loop)
    }

    struct Entry {
        let key: Int
        let value: Int
        let isOptional: Bool
    }

    struct Loop {
        let range: Int
        let variables: [String]
        let accumulator: String
        let initial: Int
        let condition: Int
        let step: Int
        let result: Int
    }

    struct Node {
        let kind: Kind
        let offset: Int
    }

    static let accumulator = "@result"
    /// No expression of this name can be written.
    private static let unused = "#unused"

    private(set) var nodes: [Node] = []
    private(set) var root = 0
    private let hasBindings: Bool

    /// - Parameter hasBindings: whether `cel.bind` is a macro.
    init(_ expression: CELExpression, hasBindings: Bool) {
        self.hasBindings = hasBindings
        root = add(expression)
    }

    private mutating func node(_ kind: Kind, _ offset: Int) -> Int {
        nodes.append(Node(kind: kind, offset: offset))
        return nodes.count - 1
    }

    private mutating func call(_ name: String, _ arguments: [Int], _ offset: Int) -> Int {
        node(.call(name, target: nil, arguments), offset)
    }

    private mutating func add(_ expressions: [CELExpression]) -> [Int] { expressions.map { add($0) } }

    private mutating func add(_ expression: CELExpression) -> Int {
        let offset = expression.offset
        switch expression.kind {
        case .literal(let value): return node(.literal(value), offset)
        case .name(let name): return node(.name(name), offset)
        case .select(let operand, let field, let isOptional):
            let operand = add(operand)
            if !isOptional { return node(.select(operand, field.written, isTest: false), offset) }
            return call("_?._", [operand, node(.literal(.string(field.written)), offset)], offset)
        case .has(let operand, let field): return node(.select(add(operand), field.written, isTest: true), offset)
        case .index(let operand, let key, let isOptional):
            return call(isOptional ? "_[?_]" : "_[_]", [add(operand), add(key)], offset)
        case .call("_in_", target: nil, let arguments): return call("@in", add(arguments), offset)
        case .call(let name, let target, let arguments):
            let target = target.map { add($0) }
            return node(.call(name, target: target, add(arguments)), offset)
        case .qualifiedCall(let name, let space, let arguments):
            let last = name.split(separator: ".").last.map(String.init) ?? name
            let target = add(space)
            return node(.call(last, target: target, add(arguments)), offset)
        case .list(let elements):
            let optional = Set(elements.indices.filter { elements[$0].isOptional })
            return node(.list(add(elements.map(\.value)), optional: optional), offset)
        case .map(let entries):
            let added = entries.map { Entry(key: add($0.key), value: add($0.value), isOptional: $0.isOptional) }
            return node(.map(added), offset)
        // No type of the rules that are checked can be made by name.
        case .construct(let type, _): return node(.name(type), offset)
        case .conditional(let condition, let yes, let no): return call("_?_:_", [add(condition), add(yes), add(no)], offset)
        case .and(let left, let right): return call("_&&_", [add(left), add(right)], offset)
        case .or(let left, let right): return call("_||_", [add(left), add(right)], offset)
        case .comprehension(let loop): return add(loop, offset)
        case .bind(let space, let variable, let value, let body):
            guard hasBindings else {
                let target = add(space)
                let name = node(.name(variable.name), variable.offset)
                return node(.call("bind", target: target, [name, add(value), add(body)]), offset)
            }
            let value = add(value)
            return bind(variable.name, value, add(body), offset)
        case .optionalMap(let operand, let variable, let body, let isFlat):
            return optionalMap(operand, variable.name, body, isFlat: isFlat, offset)
        case .sortBy(let operand, let variable, let key): return sortBy(operand, variable, key, offset)
        }
    }

    /// A variable is a loop that never runs, whose accumulator has the value.
    private mutating func bind(_ name: String, _ value: Int, _ body: Int, _ offset: Int) -> Int {
        let range = node(.list([], optional: []), offset)
        let condition = node(.literal(.bool(false)), offset)
        let step = node(.name(name), offset)
        return node(
            .loop(
                Loop(
                    range: range, variables: [Self.unused], accumulator: name, initial: value, condition: condition, step: step,
                    result: body)), offset)
    }

    private mutating func optionalMap(
        _ operand: CELExpression, _ name: String, _ body: CELExpression, isFlat: Bool, _ offset: Int
    ) -> Int {
        let temporary = "@target"
        var source: Int?
        let read: String
        if case .name(let name) = operand.kind {
            read = name
        } else {
            source = add(operand)
            read = temporary
        }
        let test = node(.call("hasValue", target: node(.name(read), offset), []), offset)
        let value = node(.call("value", target: node(.name(read), offset), []), offset)
        var mapped = bind(name, value, add(body), offset)
        if !isFlat { mapped = call("optional.of", [mapped], offset) }
        let result = call("_?_:_", [test, mapped, call("optional.none", [], offset)], offset)
        return source.map { bind(temporary, $0, result, offset) } ?? result
    }

    private mutating func sortBy(_ operand: CELExpression, _ variable: CELLoopVariable, _ key: CELExpression, _ offset: Int)
        -> Int
    {
        let temporary = "@__sortBy_input__"
        let source = add(operand)
        let range = node(.name(temporary), offset)
        let keys = loop(.map, range: range, variables: [variable], condition: nil, body: add(key), offset)
        let sorted = node(.call("@sortByAssociatedKeys", target: node(.name(temporary), offset), [keys]), offset)
        return bind(temporary, source, sorted, offset)
    }

    private mutating func add(_ loop: CELComprehension, _ offset: Int) -> Int {
        let range = add(loop.range)
        let condition = loop.condition.map { add($0) }
        return self.loop(
            loop.kind, range: range, variables: loop.variables, condition: condition, body: add(loop.body), offset)
    }

    private mutating func loop(
        _ kind: CELComprehension.Kind, range: Int, variables: [CELLoopVariable], condition filter: Int?, body: Int, _ offset: Int
    ) -> Int {
        func literal(_ value: CELValue) -> Int { node(.literal(value), offset) }
        func accumulator() -> Int { node(.name(Self.accumulator), offset) }
        func insertion(_ step: Int) -> Int {
            guard let filter else { return step }
            return call("_?_:_", [filter, step, accumulator()], offset)
        }
        let initial: Int
        var condition = literal(.bool(true))
        let step: Int
        var result = accumulator()
        switch kind {
        case .all:
            initial = literal(.bool(true))
            condition = call("@not_strictly_false", [accumulator()], offset)
            step = call("_&&_", [accumulator(), body], offset)
        case .exists:
            initial = literal(.bool(false))
            condition = call("@not_strictly_false", [call("!_", [accumulator()], offset)], offset)
            step = call("_||_", [accumulator(), body], offset)
        case .existsOne:
            initial = literal(.int(0))
            let increment = call("_+_", [accumulator(), literal(.int(1))], offset)
            step = call("_?_:_", [body, increment, accumulator()], offset)
            result = call("_==_", [result, literal(.int(1))], offset)
        case .map, .transformList:
            initial = node(.list([], optional: []), offset)
            step = insertion(call("_+_", [accumulator(), node(.list([body], optional: []), offset)], offset))
        case .filter:
            initial = node(.list([], optional: []), offset)
            let element = node(.name(variables[0].name), variables[0].offset)
            let addition = call("_+_", [accumulator(), node(.list([element], optional: []), offset)], offset)
            step = call("_?_:_", [body, addition, accumulator()], offset)
        case .transformMap:
            initial = node(.map([]), offset)
            step = insertion(call("cel.@mapInsert", [accumulator(), node(.name(variables[0].name), offset), body], offset))
        case .transformMapEntry:
            initial = node(.map([]), offset)
            step = insertion(call("cel.@mapInsert", [accumulator(), body], offset))
        }
        return node(
            .loop(
                Loop(
                    range: range, variables: variables.map(\.name), accumulator: Self.accumulator, initial: initial,
                    condition: condition, step: step, result: result)), offset)
    }
}
