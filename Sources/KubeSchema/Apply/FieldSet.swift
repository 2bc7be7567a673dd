public import KubeObject

/// One step into an object.
public enum PathElement: Sendable, Hashable {
    /// A member of an object: `f:replicas`.
    case field(String)
    /// An element of a list whose elements are found by keys: `k:{"name":"web"}`.
    case key(JSONObject)
    /// An element of a list that is a set: `v:"a"`.
    case value(JSON)
    /// An element by position: `i:0`.
    case index(Int)

    /// As `fieldsV1` has it.
    var text: String {
        switch self {
        case .field(let name): "f:\(name)"
        case .key(let keys): "k:\(JSON.object(keys).text)"
        case .value(let value): "v:\(value.text)"
        case .index(let index): "i:\(index)"
        }
    }

    init?(_ text: String) {
        let rest = text.dropFirst(2)
        switch text.prefix(2) {
        case "f:": self = .field(String(rest))
        case "k:":
            guard case .object(let keys)? = try? JSON(parsing: rest.utf8) else { return nil }
            self = .key(keys)
        case "v:":
            guard let value = try? JSON(parsing: rest.utf8) else { return nil }
            self = .value(value)
        case "i:":
            guard let index = Int(rest) else { return nil }
            self = .index(index)
        default: return nil
        }
    }

    /// As messages about conflicts have it: `.spec`, `[name="web"]`.
    var pathText: String {
        switch self {
        case .field(let name): ".\(name)"
        case .key(let keys): "[\(keys.map { "\($0.key)=\($0.value.text)" }.joined(separator: ","))]"
        case .value(let value): "[=\(value.text)]"
        case .index(let index): "[\(index)]"
        }
    }
}

/// A set of fields of an object, as `managedFields` tells who owns what.
/// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
public struct FieldSet: Sendable, Hashable {
    struct Node: Sendable, Hashable {
        /// Whether the field itself is in the set, not only fields below it.
        var isMember = false
        var children = FieldSet()
    }

    var nodes: [PathElement: Node] = [:]

    public init() {}

    /// Fields by the names on the way to them.
    public init(paths: [[String]]) {
        for path in paths { insert(path.map { .field($0) }) }
    }

    public var isEmpty: Bool { nodes.isEmpty }

    mutating func insert(_ path: some Collection<PathElement>) {
        guard let first = path.first else { return }
        if path.count == 1 {
            nodes[first, default: Node()].isMember = true
        } else {
            nodes[first, default: Node()].children.insert(path.dropFirst())
        }
    }

    func contains(_ path: some Collection<PathElement>) -> Bool {
        guard let first = path.first, let node = nodes[first] else { return false }
        return path.count == 1 ? node.isMember : node.children.contains(path.dropFirst())
    }

    /// What is below one step.
    func child(_ element: PathElement) -> FieldSet { nodes[element]?.children ?? FieldSet() }

    public func union(_ other: FieldSet) -> FieldSet {
        if isEmpty { return other }
        var result = self
        for (element, node) in other.nodes {
            guard let mine = result.nodes[element] else {
                result.nodes[element] = node
                continue
            }
            result.nodes[element] = Node(
                isMember: mine.isMember || node.isMember, children: mine.children.union(node.children))
        }
        return result
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        combine(other) { ($0 && $1, $2.intersection($3)) }
    }

    public func subtracting(_ other: FieldSet) -> FieldSet {
        if other.isEmpty { return self }
        return combine(other) { ($0 && !$1, $2.subtracting($3)) }
    }

    private func combine(_ other: FieldSet, _ rule: (Bool, Bool, FieldSet, FieldSet) -> (Bool, FieldSet)) -> FieldSet {
        var result = FieldSet()
        for (element, node) in nodes {
            let theirs = other.nodes[element] ?? Node()
            let (isMember, children) = rule(node.isMember, theirs.isMember, node.children, theirs.children)
            if isMember || !children.isEmpty { result.nodes[element] = Node(isMember: isMember, children: children) }
        }
        return result
    }

    /// Without the fields in `paths` and everything below them.
    func removing(_ paths: FieldSet) -> FieldSet {
        if paths.isEmpty { return self }
        var result = FieldSet()
        for (element, node) in nodes {
            let removed = paths.nodes[element] ?? Node()
            if removed.isMember { continue }
            let children = node.children.removing(removed.children)
            if node.isMember || !children.isEmpty {
                result.nodes[element] = Node(isMember: node.isMember, children: children)
            }
        }
        return result
    }

    /// The members' paths as messages have them: at each step first the members, then what is below.
    var pathTexts: [String] {
        var texts: [String] = []
        collect(prefix: "", into: &texts)
        return texts
    }

    private func collect(prefix: String, into texts: inout [String]) {
        let sorted = nodes.map { (path: prefix + $0.key.pathText, node: $0.value) }.sorted { $0.path < $1.path }
        texts += sorted.filter(\.node.isMember).map(\.path)
        for (path, node) in sorted { node.children.collect(prefix: path, into: &texts) }
    }
}
