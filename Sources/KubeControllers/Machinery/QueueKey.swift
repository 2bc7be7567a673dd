/// A logical cluster as a queue names it: the id, unique for ever, and the name under which the store finds it.
public struct ClusterReference: Sendable, Hashable {
    public let id: Int64
    public let name: String

    public init(id: Int64, name: String) {
        self.id = id
        self.name = name
    }

    public static func == (left: ClusterReference, right: ClusterReference) -> Bool { left.id == right.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// One piece of work: an object of one cluster. Which kind of object is the queue's own affair.
public struct QueueKey: Sendable, Hashable {
    public let cluster: ClusterReference
    /// Empty for what is cluster-scoped.
    public let namespace: String
    public let name: String

    public init(cluster: ClusterReference, namespace: String, name: String) {
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
    }
}
