/// A type's fields as protobuf sees them: by number, in ascending order.
struct ProtobufPlan: Sendable {
    enum Entry: Sendable {
        case field(Field)
        /// An embedded struct that is a message of its own; its fields stand in the outer JSON object.
        case embedded(ValueType)
    }

    let byNumber: [Int: Entry]
    let ordered: [(number: Int, entry: Entry)]

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
        ordered = entries.sorted { $0.number < $1.number }
        byNumber = Dictionary(entries.map { ($0.number, $0.entry) }, uniquingKeysWith: { first, _ in first })
    }
}
