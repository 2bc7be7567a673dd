import KubeObject

/// A type's fields as protobuf sees them.
final class ProtobufPlan: Sendable {
    enum Entry: Sendable {
        case field(Field)
        /// An embedded struct that is a message of its own; its fields stand in the outer JSON object.
        case embedded(ValueType)
    }

    /// One field, as it is written.
    final class Step: Sendable {
        enum Form: Sendable {
            case embedded(TypeSchema, isPointer: Bool)
            case one(ValueType)
            /// Written only when it is there.
            case optional(ValueType)
            /// A list: the field once for each element.
            case each(ValueType)
            /// A map: the field once for each of its members.
            case members(ValueType)
        }

        let number: Int
        let form: Form

        fileprivate init?(_ number: Int, _ entry: Entry) {
            self.number = number
            switch entry {
            case .embedded(let embedded):
                guard let inner = embedded.object else { return nil }
                form = .embedded(inner, isPointer: embedded.isPointer)
            case .field(let field):
                switch (field.type.kind, field.type.element) {
                case (.list, let element?) where !field.type.isProtobufMessage: form = .each(element)
                case (.map, let element?): form = .members(element)
                // Byte slices that are nil in Go aren't written.
                case (.bytes, _), (.list, _): form = .optional(field.type)
                default: form = field.type.isPointer ? .optional(field.type) : .one(field.type)
                }
            }
        }
    }

    let byNumber: [Int: Entry]
    /// In ascending order of the numbers.
    let steps: [Step]
    /// The fields' names as JSON has them, in the order of an object's members, and which step writes each.
    private let names: [String]
    private let stepOfName: [Int]

    init(_ type: TypeSchema) {
        var entries: [(number: Int, entry: Entry)] = []
        for member in type.members {
            switch member {
            case .field(let index) where type.fields[index].protoNumber > 0:
                entries.append((type.fields[index].protoNumber, .field(type.fields[index])))
            case .embedded(let embedded, let number) where number > 0: entries.append((number, .embedded(embedded)))
            default: break
            }
        }
        var steps: [Step] = []
        var members: [(String, JSON)] = []
        for (number, entry) in entries.sorted(by: { $0.number < $1.number }) {
            guard let step = Step(number, entry) else { continue }
            if case .field(let field) = entry { members.append((field.jsonName, .int(Int64(steps.count)))) }
            steps.append(step)
        }
        self.steps = steps
        let ordered = JSONObject(members)
        names = Array(ordered.keys)
        stepOfName = ordered.values.map { Int($0.int ?? 0) }
        byNumber = Dictionary(entries.map { ($0.number, $0.entry) }, uniquingKeysWith: { first, _ in first })
    }

    /// What each step has to write of an object, if it's there: found in one walk over the object's members.
    func values(of tree: JSON) -> [JSON?] {
        var values = [JSON?](repeating: nil, count: steps.count)
        tree.object?.walk(names) { index, value in
            if !value.isNull { values[stepOfName[index]] = value }
        }
        return values
    }

    /// Whether any field of this type stands in an object.
    func hasFields(in tree: JSON) -> Bool {
        var isFound = false
        tree.object?.walk(names) { _, _ in isFound = true }
        return isFound
    }
}
