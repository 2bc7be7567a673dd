/// Turns a pattern's tree into a program.
struct RegexCompiler {
    var program: [LinearRegex.Instruction] = []

    mutating func emit(_ node: RegexNode) throws(LinearRegex.SyntaxError) {
        guard program.count < LinearRegex.maximumProgram else {
            throw LinearRegex.SyntaxError(description: "error parsing regexp: expression too large")
        }
        switch node {
        case .empty: break
        case .characters(let set): program.append(.character(set))
        case .assertion(let assertion): program.append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternatives(let nodes): try emitAlternatives(nodes[...])
        case .repeated(let node, let minimum, let maximum, let isGreedy):
            for _ in 0..<minimum { try emit(node) }
            if let maximum {
                var splits: [Int] = []
                for _ in minimum..<max(minimum, maximum) {
                    splits.append(program.count)
                    program.append(.jump(0))
                    try emit(node)
                }
                for index in splits { program[index] = split(index + 1, program.count, isGreedy) }
            } else {
                let start = program.count
                program.append(.jump(0))
                try emit(node)
                program.append(.jump(start))
                program[start] = split(start + 1, program.count, isGreedy)
            }
        }
    }

    private mutating func emitAlternatives(_ nodes: ArraySlice<RegexNode>) throws(LinearRegex.SyntaxError) {
        var jumps: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try emit(node)
                break
            }
            let start = program.count
            program.append(.jump(0))
            try emit(node)
            jumps.append(program.count)
            program.append(.jump(0))
            program[start] = .split(start + 1, program.count)
        }
        for index in jumps { program[index] = .jump(program.count) }
    }

    private func split(_ inside: Int, _ outside: Int, _ isGreedy: Bool) -> LinearRegex.Instruction {
        isGreedy ? .split(inside, outside) : .split(outside, inside)
    }
}
