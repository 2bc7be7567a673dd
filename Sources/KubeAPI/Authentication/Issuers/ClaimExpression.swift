import KubeObject
import KubeSchema

/// An expression over the claims of a token, or over the user that they gave.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration
struct ClaimExpression: Sendable {
    /// What an expression reads.
    enum Variable: String {
        case claims, user

        fileprivate var environment: CELEnvironment {
            switch self {
            case .claims: CELEnvironment(variables: ["claims": .map(.string, .dyn)])
            case .user:
                CELEnvironment(
                    variables: ["user": .object("kubernetes.UserInfo")],
                    objects: [
                        "kubernetes.UserInfo": [
                            "username": .string, "uid": .string, "groups": .list(.string), "extra": .map(.string, .list(.string)),
                        ]
                    ])
            }
        }
    }

    let source: String
    private let variable: Variable
    private let program: CELProgram
    private let checked: CELCheckedProgram

    /// - Parameter mustBeBool: whether it says yes or no; others give anything.
    /// - Throws: what is wrong, as upstream tells it.
    init(_ source: String, _ variable: Variable, mustBeBool: Bool = false) throws(TokenRefusal) {
        do throws(CELIssues) {
            (self.program, self.checked) = try CELProgram.checked(source, in: variable.environment)
        } catch {
            throw TokenRefusal("compilation failed: \(error)")
        }
        if mustBeBool, self.checked.type != .bool { throw TokenRefusal("must evaluate to bool") }
        self.source = source
        self.variable = variable
    }

    /// Whether it reads a claim by its name.
    func reads(claim: String) -> Bool { self.checked.selects(claim, of: Variable.claims.rawValue) }

    func value(_ tree: JSON) throws(TokenRefusal) -> CELValue {
        var variables = CELVariables()
        variables[self.variable.rawValue] = CELValue(tree)
        var budget = CELBudget()
        do throws(CELError) {
            return try self.program.evaluate(variables, budget: &budget)
        } catch {
            throw TokenRefusal("expression '\(self.source)' resulted in error: \(error)")
        }
    }

    func text(_ tree: JSON) throws(TokenRefusal) -> String? {
        if case .string(let text) = try self.value(tree) { text } else { nil }
    }

    /// Texts that aren't empty: of a list, or the only one. Null is none.
    func texts(_ tree: JSON) throws(TokenRefusal) -> [String] {
        let refusal = TokenRefusal("expression must return a string or a list of strings")
        switch try self.value(tree).jsonValue {
        case .null?: return []
        case .string(let text)?: return text.isEmpty ? [] : [text]
        case .array(let elements)?:
            let texts = elements.compactMap(\.string)
            guard texts.count == elements.count else { throw refusal }
            return texts.filter { !$0.isEmpty }
        default: throw refusal
        }
    }

    func isTrue(_ tree: JSON) throws(TokenRefusal) -> Bool {
        guard case .bool(let value) = try self.value(tree) else {
            throw TokenRefusal("validation expression must return a boolean")
        }
        return value
    }
}
