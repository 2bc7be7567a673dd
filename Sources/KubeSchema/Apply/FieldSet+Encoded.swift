public import KubeObject

/// `fieldsV1`, the form in which sets of fields are stored, and questions to it that need no decoding.
extension FieldSet {
    /// From `fieldsV1`. What can't be understood is left out.
    public init(fieldsV1: JSON) {
        self.init(fieldsV1: fieldsV1, depth: 0)
    }

    private static let maximumDepth = 128

    private init(fieldsV1: JSON, depth: Int) {
        guard case .object(let members) = fieldsV1, depth < Self.maximumDepth else { return }
        for (key, value) in members where key != "." {
            guard let element = PathElement(key) else { continue }
            let children = FieldSet(fieldsV1: value, depth: depth + 1)
            nodes[element] = Node(isMember: Self.isMember(value), children: children)
        }
    }

    /// Whether every step can be understood.
    static func isValid(fieldsV1: JSON, depth: Int = 0) -> Bool {
        if fieldsV1.isNull { return true }
        guard case .object(let members) = fieldsV1, depth < maximumDepth else { return false }
        return members.allSatisfy { key, value in
            key == "." || PathElement(key) != nil && isValid(fieldsV1: value, depth: depth + 1)
        }
    }

    /// As `fieldsV1` has it: a field that is a member and has members below it says so by `.`.
    public var fieldsV1: JSON {
        .object(
            JSONObject(
                nodes.map { element, node in
                    var value = node.children.fieldsV1
                    if node.isMember, !node.children.isEmpty { value["."] = [:] }
                    return (element.text, value)
                }))
    }

    private static func isMember(_ value: JSON) -> Bool { value["."] != nil || (value.object?.isEmpty ?? true) }

    /// Whether a field of this set is in the encoded one.
    func intersects(fieldsV1: JSON) -> Bool {
        guard case .object(let members) = fieldsV1 else { return false }
        return nodes.contains { element, node in
            guard let value = members[element.text] else { return false }
            return node.isMember && Self.isMember(value) || node.children.intersects(fieldsV1: value)
        }
    }

    /// Whether every field of this set is in the encoded one.
    func isSubset(ofFieldsV1 fieldsV1: JSON) -> Bool {
        guard case .object(let members) = fieldsV1 else { return isEmpty }
        return nodes.allSatisfy { element, node in
            guard let value = members[element.text] else { return false }
            return (!node.isMember || Self.isMember(value)) && node.children.isSubset(ofFieldsV1: value)
        }
    }
}
