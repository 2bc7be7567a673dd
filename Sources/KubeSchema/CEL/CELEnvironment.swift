/// What an expression may name: variables with their types, and the fields of the types that have some. The functions are those that
/// Kubernetes gives every expression.
public struct CELEnvironment: Sendable {
    public var variables: [String: CELType]
    /// The fields of object types by the types' names; the fields' names are as expressions write them (`CELNames.escape`).
    public var objects: [String: [String: CELType]]
    /// Whether `cel.bind` is a macro, and not a call of something that there isn't.
    public var hasBindings = false

    public init(variables: [String: CELType] = [:], objects: [String: [String: CELType]] = [:]) {
        self.variables = variables
        self.objects = objects
    }

    let functions = CELDeclarations.base
}

/// An expression whose types agree.
public struct CELCheckedProgram: Sendable {
    /// Of the value that the expression gives.
    public let type: CELType
    /// The variables of the environment that it reads.
    public let references: Set<String>
    let tree: CELTree
    /// By the number of a part.
    let types: [CELType]
    /// The identifiers of the overloads that a call may mean, by the call's number.
    let overloads: [Int: [String]]
    /// Parts that are names with dots, and not fields of something.
    let qualified: Set<Int>
}

extension CELProgram {
    /// Checks that every name is declared and every function is called with what it takes.
    ///
    /// - Throws: `CELIssues`, in the words of upstream's checker.
    public func check(in environment: CELEnvironment) throws(CELIssues) -> CELCheckedProgram {
        var checker = CELChecker(CELTree(expression, hasBindings: environment.hasBindings), environment)
        checker.check()
        if checker.issues.isEmpty { checker.checkLiterals() }
        guard checker.issues.isEmpty else { throw CELIssues(checker.issues, in: source) }
        return checker.checked
    }

    /// As `init` and `check`, with both kinds of mistakes told alike.
    public static func checked(
        _ source: String, in environment: CELEnvironment
    ) throws(CELIssues) -> (program: CELProgram, checked: CELCheckedProgram) {
        let program = try CELProgram(parsing: source)
        return (program, try program.check(in: environment))
    }
}

extension CELCheckedProgram {
    /// Whether a field of a variable is read, or asked for, by its name.
    public func selects(_ field: String, of variable: String) -> Bool {
        func isVariable(_ node: Int) -> Bool {
            if case .name(let name) = tree.nodes[node].kind { name == variable } else { false }
        }
        return tree.nodes.contains { node in
            switch node.kind {
            case .select(let operand, let name, _): return name == field && isVariable(operand)
            case .call("_?._", target: nil, let arguments) where arguments.count == 2:
                guard isVariable(arguments[0]), case .literal(.string(let name)) = tree.nodes[arguments[1]].kind else {
                    return false
                }
                return name == field
            default: return false
            }
        }
    }

    /// Conversions of what is known are made when an expression is made ready, and so can fail there.
    static let conversions: Set<String> = ["bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"]

    /// Why the expression can't be made ready, in upstream's words: the first conversion of something known that fails, or pattern that is
    /// written out and can't be read. Nil when it can.
    var instantiationProblem: String? {
        var known: [Int: CELValue] = [:]
        // Parts come before what they are parts of.
        for (number, node) in tree.nodes.enumerated() {
            switch node.kind {
            case .literal(let value): known[number] = value
            case .call(let name, target: nil, let arguments) where Self.conversions.contains(name):
                guard arguments.count == 1, let value = known[arguments[0]] else { continue }
                do throws(CELError) { known[number] = try CELFunctions.call(name, isMember: false, [value]) } catch {
                    return error.description
                }
            case .call(let name, let target, let arguments) where ["matches", "find", "findAll"].contains(name):
                let index = target == nil ? 1 : 0
                guard index < arguments.count, case .string(let pattern)? = known[arguments[index]] else { continue }
                do { _ = try LinearRegex(pattern) } catch { return error.description }
            default: break
            }
        }
        return nil
    }
}
