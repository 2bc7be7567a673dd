/// Chooses objects by their labels: all requirements must hold.
/// Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
public struct LabelSelector: Sendable, Hashable {
    public enum Operator: String, Sendable, Hashable {
        case isIn = "in"
        case notIn = "notin"
        case exists
        case doesNotExist = "!"
        case greaterThan = ">"
        case lessThan = "<"
    }

    public struct Requirement: Sendable, Hashable {
        public var key: String
        public var `operator`: Operator
        public var values: [String]

        public init(_ key: String, _ operator: Operator, _ values: [String] = []) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }

        public func matches(_ labels: [String: String]) -> Bool {
            let value = labels[key]
            switch `operator` {
            case .isIn: return value.map(values.contains) ?? false
            case .notIn: return value.map { !values.contains($0) } ?? true
            case .exists: return value != nil
            case .doesNotExist: return value == nil
            case .greaterThan, .lessThan:
                guard let value, let number = Int64(value), let bound = values.first.flatMap({ Int64($0) }) else { return false }
                return `operator` == .greaterThan ? number > bound : number < bound
            }
        }
    }

    public var requirements: [Requirement]
    /// A null selector of the API: it chooses nothing.
    public var matchesNothing = false

    public init(requirements: [Requirement] = []) { self.requirements = requirements }

    public init(matchLabels: [String: String]) {
        requirements = matchLabels.sorted { $0.key < $1.key }.map { Requirement($0.key, .isIn, [$0.value]) }
    }

    /// True when every object is chosen.
    public var isEmpty: Bool { requirements.isEmpty && !matchesNothing }

    public func matches(_ labels: [String: String]) -> Bool {
        !matchesNothing && requirements.allSatisfy { $0.matches(labels) }
    }

    /// From a `LabelSelector` object. null chooses nothing, `{}` everything.
    ///
    /// - Throws: `ObjectError` that names the expression that is wrong.
    public init(_ tree: JSON) throws(ObjectError) {
        guard !tree.isNull else {
            self.init()
            matchesNothing = true
            return
        }
        self.init(matchLabels: tree["matchLabels"]?.stringMap ?? [:])
        for expression in tree["matchExpressions"]?.elements ?? [] {
            let key = expression["key"]?.string ?? ""
            let values = expression["values"]?.strings ?? []
            switch expression["operator"]?.string ?? "" {
            case "In": requirements.append(Requirement(key, .isIn, values))
            case "NotIn": requirements.append(Requirement(key, .notIn, values))
            case "Exists": requirements.append(Requirement(key, .exists))
            case "DoesNotExist": requirements.append(Requirement(key, .doesNotExist))
            case let other: throw ObjectError("\"\(other)\" is not a valid label selector operator")
            }
            if ["In", "NotIn"].contains(expression["operator"]?.string ?? ""), values.isEmpty {
                throw ObjectError("for 'in', 'notin' operators, values set can't be empty")
            }
        }
    }

    /// From the text of `?labelSelector=`: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
    ///
    /// - Throws: `ObjectError` in upstream's words.
    public init(parsing text: String) throws(ObjectError) {
        var parser = SelectorParser(text: text)
        requirements = try parser.parse()
    }
}

extension LabelSelector: CustomStringConvertible {
    /// As upstream prints a selector; parsing it gives an equal one.
    public var description: String {
        requirements.map { requirement in
            switch requirement.operator {
            case .isIn where requirement.values.count == 1: "\(requirement.key)=\(requirement.values[0])"
            case .isIn: "\(requirement.key) in (\(requirement.values.sorted().joined(separator: ",")))"
            case .notIn where requirement.values.count == 1: "\(requirement.key)!=\(requirement.values[0])"
            case .notIn: "\(requirement.key) notin (\(requirement.values.sorted().joined(separator: ",")))"
            case .exists: requirement.key
            case .doesNotExist: "!\(requirement.key)"
            case .greaterThan: "\(requirement.key)>\(requirement.values.first ?? "")"
            case .lessThan: "\(requirement.key)<\(requirement.values.first ?? "")"
            }
        }.joined(separator: ",")
    }
}
