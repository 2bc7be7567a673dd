public import KubeObject

extension FieldSet {
    /// The fields that an applied object sets.
    public init(of object: JSON, type: TypeSchema?) {
        var set = FieldSet()
        Self.collect(object, ApplyShape(type), into: &set)
        self = set
    }

    /// - Returns: whether the value itself counts as one field.
    @discardableResult
    private static func collect(_ value: JSON, _ shape: ApplyShape, into set: inout FieldSet) -> Bool {
        switch (shape, value) {
        case (.map(let members), .object(let object)):
            for (name, member) in object {
                let (shape, isNamed) = ApplyShape.member(name, of: members, value: member)
                var node = Node()
                node.isMember = collect(member, shape, into: &node.children)
                if member.isNull || (member.object?.isEmpty ?? false) || !isNamed { node.isMember = true }
                if node.isMember || !node.children.isEmpty { set.nodes[.field(name)] = node }
            }
            return false
        case (.keyedList, .array), (.set, .array):
            for (element, item) in shape.elements(of: value) ?? [] {
                var node = Node(isMember: true)
                collect(item, shape.element(item), into: &node.children)
                set.nodes[element] = node
            }
            return false
        default: return true
        }
    }

    /// Also with the fields on the way to members, as far as the schema knows them by name.
    func withNamedFields(_ shape: ApplyShape) -> FieldSet {
        var result = FieldSet()
        for (element, node) in nodes {
            var node = node
            switch (element, shape) {
            case (.field(let name), .map(let members)):
                let (shape, isNamed) = ApplyShape.member(name, of: members, value: [:])
                if isNamed, !node.children.isEmpty { node.isMember = true }
                node.children = node.children.withNamedFields(shape)
            case (.key, .keyedList): node.children = node.children.withNamedFields(shape.element([:]))
            default: break
            }
            result.nodes[element] = node
        }
        return result
    }

    /// The object without the fields of this set; a member goes with everything below it.
    func removed(from value: JSON, _ shape: ApplyShape) -> JSON {
        if isEmpty { return value }
        switch (shape, value) {
        case (.map(let members), .object(let object)):
            var result = JSONObject()
            for (name, member) in object {
                let node = nodes[.field(name)]
                if node?.isMember ?? false { continue }
                let child = node?.children ?? FieldSet()
                result[name] =
                    child.isEmpty
                    ? member : child.removed(from: member, ApplyShape.member(name, of: members, value: member).shape)
            }
            return .object(result)
        case (.keyedList, .array), (.set, .array):
            var result: [JSON] = []
            for (element, item) in shape.elements(of: value) ?? [] {
                let node = nodes[element]
                if node?.isMember ?? false { continue }
                let child = node?.children ?? FieldSet()
                result.append(child.isEmpty ? item : child.removed(from: item, shape.element(item)))
            }
            return .array(result)
        default: return value
        }
    }
}
