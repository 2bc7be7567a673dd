public import KubeObject
public import KubeSchema
public import KubeStore

/// A write on its way to the store, as admission sees it.
public struct AdmissionRequest: Sendable {
    public enum Operation: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
    }

    public var operation: Operation
    public var resource: ResourceType
    /// Empty for the resource itself.
    public var subresource: String
    /// Empty for what is cluster-scoped.
    public var namespace: String
    /// Empty while a name is still to be generated.
    public var name: String
    /// The object as it shall be stored; null for a deletion.
    public var object: JSON
    /// The object as it is; nil for a create.
    public var old: Object?
    public var isDryRun: Bool
    public var context: RequestContext
    /// The cluster as the verb read it.
    public var snapshot: Snapshot
    /// What is to be written in the same transaction as a created object. When somebody else was quicker, the create starts again.
    public var accompanying: [Write] = []
}

/// A rule that writes must keep, or that completes them. Plugins run after defaulting and before validation (`admit`), and
/// again, without changing anything, after it (`validate`).
public protocol AdmissionPlugin: Sendable {
    /// Completes the object, or refuses it.
    func admit(_ request: inout AdmissionRequest) async throws(StatusError)
    /// Refuses the object, or lets it pass.
    func validate(_ request: AdmissionRequest) async throws(StatusError)
}

extension AdmissionPlugin {
    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {}
    public func validate(_ request: AdmissionRequest) async throws(StatusError) {}
}
