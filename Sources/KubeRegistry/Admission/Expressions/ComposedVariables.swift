import KubeObject
import KubeSchema
import Synchronization

/// `variables` of a policy: each is evaluated when it is first read, once a request, and may read those before it.
///
/// Concurrency: one task evaluates a policy for a request; the mutex only makes that certain.
final class ComposedVariables: CELOpaque {
    private struct State {
        var values: [String: Result<CELValue, CELError>] = [:]
        var cost = 0
    }

    private let definitions: [(name: String, expression: AdmissionExpression)]
    private let base: CELVariables
    private let state = Mutex(State())

    init(_ definitions: [(name: String, expression: AdmissionExpression)], base: CELVariables) {
        self.definitions = definitions
        self.base = base
    }

    var typeName: String { "kubernetes.variables" }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        throw CELError("no such overload: \(function)")
    }

    func member(_ name: String) throws(CELError) -> CELValue? { try value(name, before: definitions.count) }

    /// What evaluating variables has cost since this was asked last.
    func takeCost() -> Int {
        state.withLock { state in
            defer { state.cost = 0 }
            return state.cost
        }
    }

    fileprivate func value(_ name: String, before end: Int) throws(CELError) -> CELValue? {
        guard let index = definitions[..<end].lastIndex(where: { $0.name == name }) else { return nil }
        if let known = state.withLock({ $0.values[name] }) { return try known.get() }
        var variables = base
        variables["variables"] = .opaque(EarlierVariables(all: self, end: index))
        let outcome = definitions[index].expression.evaluate(composed: variables) { cost in
            state.withLock { $0.cost += cost }
        }
        state.withLock { $0.values[name] = outcome }
        return try outcome.get()
    }
}

/// The variables before one of them.
private struct EarlierVariables: CELOpaque {
    let all: ComposedVariables
    let end: Int

    var typeName: String { all.typeName }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        try all.call(function, arguments)
    }

    func member(_ name: String) throws(CELError) -> CELValue? { try all.value(name, before: end) }
}
