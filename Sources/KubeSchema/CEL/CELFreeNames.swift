/// The variables that an expression reads and doesn't bind itself.
enum CELFreeNames {
    static func names(in expression: CELExpression) -> Set<String> {
        switch expression.kind {
        case .literal: return []
        case .name(let name): return CELFunctions.typeNames.contains(name) ? [] : [name]
        case .select(let operand, _, _), .has(let operand, _): return names(in: operand)
        case .index(let operand, let key, _): return names(in: operand).union(names(in: key))
        case .call(_, let target, let arguments):
            return arguments.reduce(target.map(names) ?? []) { $0.union(names(in: $1)) }
        case .qualifiedCall(_, space: _, let arguments): return arguments.reduce([]) { $0.union(names(in: $1)) }
        case .list(let elements): return elements.reduce([]) { $0.union(names(in: $1.value)) }
        case .map(let entries): return entries.reduce([]) { $0.union(names(in: $1.key)).union(names(in: $1.value)) }
        case .construct(_, let fields): return fields.reduce([]) { $0.union(names(in: $1.value)) }
        case .conditional(let a, let b, let c): return names(in: a).union(names(in: b)).union(names(in: c))
        case .and(let a, let b), .or(let a, let b): return names(in: a).union(names(in: b))
        case .comprehension(let loop):
            let inner = names(in: loop.body).union(loop.condition.map(names) ?? []).subtracting(loop.variables.map(\.name))
            return names(in: loop.range).union(inner)
        case .bind(space: _, let variable, let value, let body), .optionalMap(let value, let variable, let body, _),
            .sortBy(let value, let variable, let body):
            return names(in: value).union(names(in: body).subtracting([variable.name]))
        }
    }
}
