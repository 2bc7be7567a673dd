import KubeObject

/// A place in a tree (RFC 6901). Array indexes may count from the end, as upstream's library allows.
struct JSONPointer {
    var tokens: [String]

    /// Nil when the text isn't a pointer: it has to be empty or begin with a slash.
    init?(_ text: String) {
        guard text.isEmpty || text.hasPrefix("/") else { return nil }
        tokens = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    init(tokens: [String]) { self.tokens = tokens }

    func value(in tree: JSON) -> JSON? {
        var value = tree
        for token in tokens {
            switch value {
            case .object(let object):
                guard let next = object[token] else { return nil }
                value = next
            case .array(let array):
                guard let index = JSONPointer.index(token, array.count) else { return nil }
                value = array[index]
            default: return nil
            }
        }
        return value
    }

    /// Whether the last token is a member's name, there or not.
    func parentIsObject(in tree: JSON) -> Bool {
        guard !tokens.isEmpty else { return false }
        return JSONPointer(tokens: tokens.dropLast()).value(in: tree)?.object != nil
    }

    /// Changes the container that holds the last token. False when there is none.
    func changeParent(in tree: inout JSON, _ change: (inout JSON, String) -> Bool) -> Bool {
        guard let last = tokens.last else { return false }
        return JSONPointer.descend(&tree, tokens.dropLast()[...]) { change(&$0, last) }
    }

    private static func descend(_ tree: inout JSON, _ tokens: ArraySlice<String>, _ change: (inout JSON) -> Bool) -> Bool {
        guard let token = tokens.first else { return change(&tree) }
        switch tree {
        case .object(var object):
            guard var child = object[token] else { return false }
            tree = .null
            object[token] = .null
            let isDone = descend(&child, tokens.dropFirst(), change)
            object[token] = child
            tree = .object(object)
            return isDone
        case .array(var array):
            guard let index = index(token, array.count) else { return false }
            tree = .null
            let isDone = descend(&array[index], tokens.dropFirst(), change)
            tree = .array(array)
            return isDone
        default: return false
        }
    }

    /// The index that a token means in an array of `count` elements.
    static func index(_ token: String, _ count: Int) -> Int? {
        guard let index = Int(token), index >= -count, index < count else { return nil }
        return index < 0 ? index + count : index
    }
}
