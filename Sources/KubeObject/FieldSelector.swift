/// Chooses objects by field values: `metadata.name=web,status.phase!=Running`. Which fields a kind knows is the registry's business.
/// Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
public struct FieldSelector: Sendable, Hashable {
    public struct Requirement: Sendable, Hashable {
        public var path: String
        public var value: String
        public var isNegated: Bool

        public init(_ path: String, _ value: String, isNegated: Bool = false) {
            self.path = path
            self.value = value
            self.isNegated = isNegated
        }
    }

    public var requirements: [Requirement]

    public init(requirements: [Requirement] = []) { self.requirements = requirements }

    public var isEmpty: Bool { requirements.isEmpty }

    /// The one value that the selector demands of `path`, if it does.
    public func requiredValue(_ path: String) -> String? { requirements.first { $0.path == path && !$0.isNegated }?.value }

    /// - Throws: `ObjectError` in upstream's words.
    public init(parsing text: String) throws(ObjectError) {
        requirements = []
        for term in Self.terms(text) where !term.isEmpty {
            guard let (path, rest, isNegated) = Self.split(term) else {
                throw ObjectError("invalid selector: '\(text)'; can't understand '\(term)'")
            }
            requirements.append(Requirement(path, try Self.unescape(rest), isNegated: isNegated))
        }
    }

    /// `value(of:)` gives a field's value, the empty string when it isn't set.
    public func matches(_ value: (String) -> String) -> Bool {
        requirements.allSatisfy { (value($0.path) == $0.value) != $0.isNegated }
    }

    private static func terms(_ text: String) -> [String] {
        var terms: [String] = []
        var term = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
                term.append(character)
            } else if character == "\\" {
                isEscaped = true
                term.append(character)
            } else if character == "," {
                terms.append(term)
                term = ""
            } else {
                term.append(character)
            }
        }
        return terms + [term]
    }

    private static func split(_ term: String) -> (String, Substring, Bool)? {
        var index = term.startIndex
        while index < term.endIndex {
            let rest = term[index...]
            if rest.hasPrefix("\\") {
                index = term.index(index, offsetBy: 2, limitedBy: term.endIndex) ?? term.endIndex
                continue
            }
            for (mark, isNegated) in [("!=", true), ("==", false), ("=", false)] where rest.hasPrefix(mark) {
                return (String(term[..<index]), rest.dropFirst(mark.count), isNegated)
            }
            index = term.index(after: index)
        }
        return nil
    }

    private static func unescape(_ text: Substring) throws(ObjectError) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                guard "\\,=".contains(character) else {
                    throw ObjectError("invalid field selector: invalid escape sequence: \\\(character)")
                }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "=" {
                throw ObjectError("invalid field selector: unescaped character in value: =")
            } else {
                result.append(character)
            }
        }
        guard !isEscaped else { throw ObjectError("invalid field selector: invalid escape sequence: \\") }
        return result
    }
}
