/// Estimates what an expression can cost at most, as upstream does: by how large the values can be that it reads.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#resource-use-by-validation-functions
struct CELCostEstimator {
    /// Where in the variables' value something comes from.
    enum Path {
        case none
        /// Nil where the value is declared nothing of.
        case known(CELSizes?)
    }

    /// How large what a container holds can be.
    struct Elements {
        let isList: Bool
        let key: CELRange
        let value: CELRange

        func union(_ other: Elements) -> Elements {
            Elements(isList: isList, key: key.union(other.key), value: value.union(other.value))
        }
    }

    private struct Local {
        let name: String
        let path: Path
        let size: CELRange?
        let elements: Elements?
    }

    let program: CELCheckedProgram
    let sizes: CELSizes
    private var paths: [Int: Path] = [:]
    private var known: [Int: CELRange] = [:]
    private var elements: [Int: Elements] = [:]
    private var locals: [Local] = []

    init(_ program: CELCheckedProgram, _ sizes: CELSizes) {
        self.program = program
        self.sizes = sizes
    }

    func type(_ node: Int) -> CELType { program.types[node] }
    func kind(_ node: Int) -> CELTree.Kind { program.tree.nodes[node].kind }

    mutating func cost(_ node: Int) -> CELRange {
        if program.qualified.contains(node) {
            paths[node] = .known(sizes)
            return CELRange(exactly: 1)
        }
        switch kind(node) {
        case .literal: return CELRange(exactly: 0)
        case .name(let name):
            paths[node] = locals.last { $0.name == name }?.path ?? .known(sizes)
            return CELRange(exactly: 1)
        case .select(let operand, let field, let isTest):
            var sum = cost(operand)
            if isTest { return sum }
            switch type(operand) {
            case .map, .object, .variable: sum = sum + CELRange(exactly: 1)
            default: break
            }
            paths[node] = step(path(operand)) { $0.fields[field] }
            return sum
        case .call(let name, let target, let arguments): return call(node, name, target, arguments)
        case .list(let items, _):
            let sum = items.reduce(CELRange(exactly: 10)) { $0 + cost($1) }
            var value = items.isEmpty ? CELRange(exactly: 0) : CELRange(.max, 0)
            for item in items { value = value.union(size(item) ?? .unknown) }
            elements[node] = Elements(isList: true, key: CELRange(exactly: 1), value: value)
            return sum
        case .map(let entries):
            var sum = CELRange(exactly: 30)
            var key = entries.isEmpty ? CELRange(exactly: 0) : CELRange(.max, 0)
            var value = key
            for entry in entries {
                sum = sum + cost(entry.key) + cost(entry.value)
                key = key.union(size(entry.key) ?? .unknown)
                value = value.union(size(entry.value) ?? .unknown)
            }
            elements[node] = Elements(isList: false, key: key, value: value)
            return sum
        case .loop(let loop): return self.loop(node, loop)
        }
    }

    // MARK: Where values come from

    /// What is below a place; what comes from nowhere is upstream taken to be the value itself.
    func step(_ path: Path, _ next: (CELSizes) -> CELSizes?) -> Path {
        switch path {
        case .none: .known(sizes)
        case .known(let place): .known(place.flatMap(next))
        }
    }

    func path(_ node: Int) -> Path {
        if case .name(let name) = kind(node), let local = locals.last(where: { $0.name == name }) { return local.path }
        return paths[node] ?? .none
    }

    func declared(_ path: Path) -> CELRange? {
        guard case .known(let place?) = path else { return nil }
        return CELRange(0, place.most)
    }

    /// How large a part's value can be; nil when nothing is known.
    mutating func size(_ node: Int) -> CELRange? {
        if let size = known[node] { return size }
        switch kind(node) {
        case .literal(.string(let text)): return CELRange(exactly: UInt64(text.unicodeScalars.count))
        case .literal(.bytes(let bytes)): return CELRange(exactly: UInt64(bytes.count))
        case .literal: return CELRange(exactly: 1)
        case .list(let items, _): return CELRange(exactly: UInt64(items.count))
        case .map(let entries): return CELRange(exactly: UInt64(entries.count))
        default: break
        }
        if let size = declared(path(node)) {
            known[node] = size
            return size
        }
        if type(node).isScalar { return CELRange(exactly: 1) }
        if case .name(let name) = kind(node) { return locals.last { $0.name == name }?.size }
        return nil
    }

    func elements(_ node: Int) -> Elements? {
        if let known = elements[node] { return known }
        if case .name(let name) = kind(node) { return locals.last { $0.name == name }?.elements }
        return nil
    }

    mutating func setElements(_ node: Int, _ value: Elements?) { if let value { elements[node] = value } }

    private mutating func copySizes(from source: Int, to node: Int) {
        if let size = size(source) { known[node] = size }
        setElements(node, elements(source))
    }

    // MARK: Calls and loops

    private mutating func call(_ node: Int, _ name: String, _ target: Int?, _ arguments: [Int]) -> CELRange {
        if name == "dyn", target == nil, arguments.count == 1 {
            let sum = CELRange(exactly: 1) + cost(arguments[0])
            copySizes(from: arguments[0], to: node)
            return sum
        }
        let costs = arguments.map { cost($0) }
        guard let overloads = program.overloads[node], !overloads.isEmpty else { return CELRange(exactly: 0) }
        // A name space isn't a value that is read.
        let isMember = target != nil && CELDeclarations.isMember(overloads[0])
        let targetCost = isMember ? target.map { cost($0) } ?? CELRange(exactly: 0) : CELRange(exactly: 0)
        var function = CELRange(.max, 0)
        var result: CELRange?
        for overload in overloads {
            let estimate = self.estimate(
                Call(
                    node: node, name: CELDeclarations.name(of: overload) ?? name, overload: overload,
                    target: isMember ? target : nil, arguments: arguments, costs: costs))
            function = function.union(estimate.cost)
            if let size = estimate.size { result = result?.union(size) ?? size }
            switch overload {
            case "index_list":
                result = elements(arguments[0])?.value
                paths[node] = step(path(arguments[0])) { $0.element }
            case "index_map":
                result = elements(arguments[0])?.value
                paths[node] = step(path(arguments[0])) { $0.element }
            default: break
            }
            if result == nil { result = size(node) }
        }
        if let result { known[node] = result }
        return targetCost + function
    }

    private mutating func loop(_ node: Int, _ loop: CELTree.Loop) -> CELRange {
        var sum = cost(loop.range) + cost(loop.initial)
        let outside = locals.count
        locals.append(
            Local(
                name: loop.accumulator, path: path(loop.initial), size: size(loop.initial), elements: elements(loop.initial)))
        if loop.variables == ["#unused"] {
            sum = sum + cost(loop.result)
            locals.removeLast(locals.count - outside)
            copySizes(from: loop.result, to: node)
            return sum
        }
        pushVariables(loop)
        let condition = cost(loop.condition)
        let step = cost(loop.step)
        locals.removeLast(loop.variables.count)
        sum = sum + cost(loop.result)
        locals.removeLast(locals.count - outside)
        let count = size(loop.range) ?? .unknown
        sum = sum + count * (step + condition)
        switch kind(loop.initial) {
        case .literal: if let size = size(loop.initial) { known[node] = size }
        case .list, .map:
            known[node] = count
            setElements(node, elements(loop.step))
        default: break
        }
        return sum
    }

    private mutating func pushVariables(_ loop: CELTree.Loop) {
        let held = elements(loop.range)
        let place = path(loop.range)
        var isList = held?.isList
        if isList == nil, case .list = type(loop.range) { isList = true }
        let keys = step(place) { isList == true ? nil : $0.key }
        let values = step(place) { $0.element }
        if loop.variables.count == 2 {
            locals.append(Local(name: loop.variables[0], path: keys, size: held?.key, elements: nil))
            locals.append(Local(name: loop.variables[1], path: values, size: held?.value, elements: nil))
        } else if isList == true {
            locals.append(Local(name: loop.variables[0], path: values, size: held?.value, elements: nil))
        } else {
            locals.append(Local(name: loop.variables[0], path: keys, size: held?.key, elements: nil))
        }
    }
}

extension CELCostEstimator {
    /// One way that a call may be meant.
    struct Call {
        let node: Int
        let name: String
        let overload: String
        let target: Int?
        let arguments: [Int]
        let costs: [CELRange]
    }

    /// What a call costs, and how large what it gives is, where that is known.
    struct Estimate {
        var cost: CELRange
        var size: CELRange?

        init(_ cost: CELRange, size: CELRange? = nil) {
            self.cost = cost
            self.size = size
        }
    }
}
