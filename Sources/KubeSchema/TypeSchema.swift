public import KubeObject
import Synchronization

/// The fields of one object type, such as `Deployment` or `PodSpec`.
///
/// `@unchecked Sendable`: `fields` and `members` are only written while the schema is being made, before any other thread
/// can see it. Types refer to each other, in circles too; they live as long as their schema.
public final class TypeSchema: @unchecked Sendable {
    /// One declared member: a field, or an embedded struct whose fields stand in the same JSON object.
    public enum Member: Sendable {
        case field(Int)
        case embedded(ValueType, protoNumber: Int)
    }

    /// The name in OpenAPI: `io.k8s.api.apps.v1.Deployment`.
    public let name: String
    /// The name in the rows: `apps/v1.Deployment`.
    let rowName: String
    /// The name without its package, as messages show it: `Deployment`.
    public let goName: String
    /// `atomic` when server-side apply takes the whole object as one value; empty when not marked.
    public let structType: String
    /// All fields as they stand in JSON, those of embedded structs too, ordered by the UTF-8 bytes of their names.
    public internal(set) var fields: [Field] = []
    /// What is declared, in order, as protobuf needs it; `.field` is an index into `fields`.
    public internal(set) var members: [Member] = []
    /// Whether an unknown field is kept (custom resources with `x-kubernetes-preserve-unknown-fields`).
    public internal(set) var preservesUnknownFields = false

    /// What decides about the objects, when this is a custom resource's type; `fields` are then for apply only.
    public internal(set) var custom: CustomResourceVersion?
    /// The kind that OpenAPI tells of a custom resource's type and its list's.
    var publishedKind: GroupVersionKind?

    /// Made when the type is first read or written as protobuf.
    private let plan = Mutex<ProtobufPlan?>(nil)

    var protobufPlan: ProtobufPlan {
        plan.withLock { plan in
            if let plan { return plan }
            let made = ProtobufPlan(self)
            plan = made
            return made
        }
    }

    /// Whether a field here, or in an object below, has a declared default.
    var hasDefaults = false

    private let knownZero = Mutex<JSON?>(nil)

    /// An object of which nobody has set anything, as it is written: with the members that are written always.
    public var zero: JSON {
        knownZero.withLock { known in
            if let known { return known }
            var made: JSON = [:]
            // An object without members has every type's shape.
            if custom == nil, case .success(let decoded) = Result(catching: { try decode([:]) }) { made = decoded.tree }
            known = made
            return made
        }
    }

    init(name: String, rowName: String, goName: String, structType: String) {
        self.name = name
        self.rowName = rowName
        self.goName = goName
        self.structType = structType
    }

    /// The field with this JSON name; Kubernetes compares case.
    public func field(_ jsonName: String) -> Field? {
        var low = 0
        var high = fields.count
        while low < high {
            let middle = (low + high) / 2
            let name = fields[middle].jsonName
            if name == jsonName { return fields[middle] }
            if precedes(name, jsonName) { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

/// The order of keys in a `JSONObject`: by UTF-8 bytes. Swift compares strings by Unicode scalars of their normal form,
/// which differs beyond ASCII.
@inline(__always)
func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
