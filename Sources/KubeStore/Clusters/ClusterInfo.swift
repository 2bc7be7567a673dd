/// What is known of a cluster without loading it.
public struct ClusterInfo: Sendable, Hashable {
    /// Unique for ever, in this store.
    public let id: Int64
    /// Unique among the clusters that exist.
    public let name: String
    public let uid: String

    public init(id: Int64, name: String, uid: String) {
        self.id = id
        self.name = name
        self.uid = uid
    }
}
