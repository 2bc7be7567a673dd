public import KubeObject
public import KubeSchema
public import KubeStore

/// A request on its way to the store, or to a pod, as admission sees it.
public struct AdmissionRequest: Sendable {
    public enum Operation: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    /// What the client asked for besides the object.
    enum Options: Sendable {
        case write(CreateOptions)
        case delete(DeleteOptions)
        case none
    }

    public var operation: Operation
    public var resource: ResourceType
    /// Empty for the resource itself.
    public var subresource: String
    /// Empty for what is cluster-scoped.
    public var namespace: String
    /// Empty while a name is still to be generated.
    public var name: String
    /// The object as it shall be stored; the body of a create at a subresource; the options of a connection; null for a deletion.
    public var object: JSON
    /// The object as it is; nil for a create.
    public var old: Object?
    public var isDryRun: Bool
    public var context: RequestContext
    /// The cluster as the verb read it.
    public var snapshot: Snapshot
    public let registry: Registry
    var options = Options.none
    /// What is to be written in the same transaction as a created object. When somebody else was quicker, the create starts again.
    public var accompanying: [Write] = []
    /// What plugins keep for the request, such as room in a quota: let go of when the object is stored, or isn't going to be.
    public var held: [any AnyObject & Sendable] = []
    /// What was asked so far of who may be asked again.
    var reinvocation = Reinvocation()

    /// Of which kind the object is: for most subresources that of the resource.
    var kind: GroupVersionKind { resource.subresource(subresource)?.kind ?? resource.gvk }

    /// The namespace as those outside are told of it: that of a namespace is itself.
    var reviewedNamespace: String { isForNamespaces ? name : namespace }

    var isForNamespaces: Bool { resource.plural == "namespaces" && resource.group.isEmpty }
}

/// What completes requests, or refuses them: after defaulting and before validation.
///
/// They run a second time when one of them asked for it, so they must find nothing to do in what they have done already.
public protocol MutatingAdmissionPlugin: Sendable {
    /// Completes the object, or refuses it.
    func admit(_ request: inout AdmissionRequest) async throws(StatusError)
}

/// A rule that requests must keep: asked after validation, when nothing of the object changes any more.
public protocol ValidatingAdmissionPlugin: Sendable {
    /// Refuses the object, or lets it pass; what it changes of the object is lost.
    func validate(_ request: inout AdmissionRequest) async throws(StatusError)
}

/// What every write passes, in this order. A plugin that does both is in both lists.
public struct AdmissionChain: Sendable {
    public var mutating: [any MutatingAdmissionPlugin]
    public var validating: [any ValidatingAdmissionPlugin]

    public init(mutating: [any MutatingAdmissionPlugin] = [], validating: [any ValidatingAdmissionPlugin] = []) {
        self.mutating = mutating
        self.validating = validating
    }

    /// This chain, and then another.
    public static func + (first: AdmissionChain, second: AdmissionChain) -> AdmissionChain {
        AdmissionChain(mutating: first.mutating + second.mutating, validating: first.validating + second.validating)
    }
}
