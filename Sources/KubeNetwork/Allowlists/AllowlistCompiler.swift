/// Turns an allowlist's entries into rules of the kernel's. Pure.
struct AllowlistCompiler {
    let compiler: PolicyCompiler

    func lines(_ rules: [PolicyFacts.Rule], _ direction: PolicyChain.Direction) -> [PolicyLine] {
        rules.enumerated().flatMap { index, rule in
            compiler.lines(rule, index, direction).map { line in
                var line = line
                // People outside know the ports of the host, not those of pods.
                if direction == .incoming, case .ranges(let transport, let ranges) = line.ports {
                    line.ports = .opened(transport, ranges)
                }
                return line
            }
        }
    }

    /// What packets of a family go through.
    static func chain(_ lines: [PolicyLine], _ direction: PolicyChain.Direction, _ family: AddressFamily) -> PolicyChain {
        let all = Set(lines.lazy.filter { $0.concerns(family) }.map { "\($0.condition)return" })
        return PolicyChain(direction: direction, rules: all.count > PolicyCompiler.limit ? [] : all.sorted())
    }
}
