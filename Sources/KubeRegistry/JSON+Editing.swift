import KubeObject

extension JSON {
    /// Gives a member a value if it has none (missing or null).
    mutating func setDefault(_ key: String, _ value: JSON) {
        if self[key]?.isNull ?? true { self[key] = value }
    }

    /// Gives a member a value if it has none, or an empty text.
    mutating func setDefaultText(_ key: String, _ value: String) {
        switch self[key] {
        case nil, .null?, .string("")?: self[key] = .string(value)
        default: break
        }
    }

    /// Gives a member a value if it has none, or 0.
    mutating func setDefaultNumber(_ key: String, _ value: Int64) {
        switch self[key] {
        case nil, .null?, .int(0)?: self[key] = .int(value)
        default: break
        }
    }

    /// Changes a member in place; does nothing when there is none.
    mutating func edit(_ key: String, _ change: (inout JSON) -> Void) {
        guard var value = self[key], !value.isNull else { return }
        self[key] = .null
        change(&value)
        self[key] = value
    }

    /// Changes each element of a member that is a list.
    mutating func editEach(_ key: String, _ change: (inout JSON) -> Void) {
        guard case .array(var elements)? = self[key] else { return }
        self[key] = .null
        for index in elements.indices { change(&elements[index]) }
        self[key] = .array(elements)
    }

    /// Changes the member at the end of nested keys; does nothing when there is none.
    mutating func edit(path: String..., change: (inout JSON) -> Void) {
        func walk(_ value: inout JSON, _ rest: ArraySlice<String>) {
            guard let first = rest.first else { return change(&value) }
            value.edit(first) { walk(&$0, rest.dropFirst()) }
        }
        walk(&self, path[...])
    }

    /// The text of a member; empty when there is none.
    func text(_ key: String) -> String { self[key]?.string ?? "" }

    /// The member, if it is there and not null.
    func present(_ key: String) -> JSON? { self[key].flatMap { $0.isNull ? nil : $0 } }

    /// Whether the member is there and neither null nor an empty text, list or object.
    func has(_ key: String) -> Bool { self[key].map { !$0.isEmpty } ?? false }

    /// Null, "", [], {}; not 0 and false.
    var isEmpty: Bool {
        switch self {
        case .null: true
        case .string(let value): value.isEmpty
        case .array(let value): value.isEmpty
        case .object(let value): value.isEmpty
        default: false
        }
    }
}
