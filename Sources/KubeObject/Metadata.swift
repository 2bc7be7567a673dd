/// The part of `metadata` that the server reads itself. Everything else, annotations for one, stays in the tree.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
public struct Metadata: Sendable, Hashable {
    public var name = ""
    /// Empty for what is cluster-scoped.
    public var namespace = ""
    public var generateName = ""
    public var uid = ""
    /// 0 while not stored.
    public var resourceVersion: UInt64 = 0
    /// Counts changes of what is desired; 0 for kinds that don't count.
    public var generation: Int64 = 0
    /// RFC 3339, seconds, UTC.
    public var creationTimestamp = ""
    /// RFC 3339, seconds, UTC; nil while not being deleted.
    public var deletionTimestamp: String?
    public var deletionGracePeriodSeconds: Int64?
    public var labels: [String: String] = [:]
    public var finalizers: [String] = []
    public var ownerReferences: [OwnerReference] = []

    public init() {}

    /// - Throws: `ObjectError` that names the first member of a wrong type.
    public init(of tree: JSON) throws(ObjectError) {
        guard let metadata = tree["metadata"], !metadata.isNull else { return }
        guard let members = metadata.object else { throw ObjectError("metadata must be an object, not \(metadata.typeName)") }
        for (key, value) in members where !value.isNull {
            func wrong(_ expected: String) -> ObjectError {
                ObjectError("metadata.\(key) must be \(expected), not \(value.typeName)")
            }
            func text() throws(ObjectError) -> String {
                guard let text = value.string else { throw wrong("a string") }
                return text
            }
            switch key {
            case "name": name = try text()
            case "namespace": namespace = try text()
            case "generateName": generateName = try text()
            case "uid": uid = try text()
            case "resourceVersion": resourceVersion = UInt64(try text()) ?? 0
            case "generation":
                guard let number = value.int else { throw wrong("a number") }
                generation = number
            case "creationTimestamp": creationTimestamp = try text()
            case "deletionTimestamp": deletionTimestamp = try text()
            case "deletionGracePeriodSeconds":
                guard let number = value.int else { throw wrong("a number") }
                deletionGracePeriodSeconds = number
            case "labels":
                guard let object = value.object else { throw wrong("an object") }
                labels = value.stringMap
                guard labels.count == object.count else { throw ObjectError("metadata.labels must have string values") }
            case "finalizers":
                finalizers = value.strings
                guard value.array?.count == finalizers.count else { throw wrong("a list of strings") }
            case "ownerReferences":
                guard let array = value.array else { throw wrong("a list") }
                ownerReferences = array.map(OwnerReference.init)
            default: break
            }
        }
    }

    /// The owner that manages this object, if any.
    public var controller: OwnerReference? { ownerReferences.first { $0.controller } }
}

/// One entry of `metadata.ownerReferences`.
public struct OwnerReference: Sendable, Hashable {
    public var apiVersion: String
    public var kind: String
    public var name: String
    public var uid: String
    public var controller: Bool
    public var blockOwnerDeletion: Bool

    public init(
        apiVersion: String, kind: String, name: String, uid: String, controller: Bool = false, blockOwnerDeletion: Bool = false
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }

    public init(_ tree: JSON) {
        self.init(
            apiVersion: tree["apiVersion"]?.string ?? "", kind: tree["kind"]?.string ?? "", name: tree["name"]?.string ?? "",
            uid: tree["uid"]?.string ?? "", controller: tree["controller"]?.bool ?? false,
            blockOwnerDeletion: tree["blockOwnerDeletion"]?.bool ?? false)
    }

    public var tree: JSON {
        var tree: JSON = ["apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid)]
        if controller { tree["controller"] = true }
        if blockOwnerDeletion { tree["blockOwnerDeletion"] = true }
        return tree
    }
}
