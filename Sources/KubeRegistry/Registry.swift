public import KubeObject
public import KubeSchema
public import KubeStore
import Synchronization

/// Kubernetes' verbs without HTTP: the one door to the objects of every logical cluster, for clients (through KubeAPI),
/// controllers and the runtime alike, so that all of them get the same defaults, validation and admission.
///
/// Concurrency: immutable but for the services that are attached once at start; any task may call any function. Nothing is
/// locked while a verb runs: it reads a snapshot, computes the new object, and commits it on the condition that the object
/// is still the one that was read; when it isn't, it starts again or answers with a conflict, as upstream does.
public final class Registry: Sendable {
    public let store: Store
    /// Kubernetes' own resources, which every cluster has.
    public let schema: Schema
    private let schemas: @Sendable (LogicalCluster) -> Schema?
    let handlers: [GroupResource: any SubresourceHandler]
    public let authorizer: Authorizer
    let admission: AdmissionChain
    /// What the platform lets a cluster have.
    public let policies: @Sendable (LogicalCluster) -> ClusterPolicy
    let customSchemas = CustomSchemas()
    let customWatches = CustomWatches()
    let webhookPatience = WebhookPatience()
    /// Whether services can have addresses of IPv6 too.
    public let isDualStack: Bool
    /// Which node ports services get; to be told which are held on this machine.
    public let nodePorts = NodePortBook()

    private struct Services {
        var tokenIssuer: (any TokenIssuer)?
        var tokenReviewer: (any TokenReviewer)?
        var webhookClient: (any WebhookClient)?
    }

    private let services = Mutex(Services())

    /// - Parameters:
    ///   - schemas: what a cluster serves when that isn't just Kubernetes' own resources: the platform's in the root cluster.
    ///   - admission: what every write passes, in this order.
    ///   - policies: what the platform lets a cluster have; asked with each request.
    ///   - isDualStack: whether services can have addresses of IPv6 too.
    ///   - handlers: who answers a create at a subresource that isn't Kubernetes' own, by group and `PLURAL/SUBRESOURCE`.
    public init(
        store: Store, schema: Schema = .builtin, schemas: @escaping @Sendable (LogicalCluster) -> Schema? = { _ in nil },
        authorizer: Authorizer = Authorizer(), admission: AdmissionChain = .builtin,
        policies: @escaping @Sendable (LogicalCluster) -> ClusterPolicy = { _ in ClusterPolicy() },
        handlers: [GroupResource: any SubresourceHandler] = [:], isDualStack: Bool = false
    ) {
        self.isDualStack = isDualStack
        self.store = store
        self.schema = schema
        self.schemas = schemas
        self.handlers = handlers
        self.authorizer = authorizer
        self.admission = admission
        self.policies = policies
        store.observe { [authorizer, customWatches] batch in
            authorizer.note(batch)
            customWatches.note(batch)
        }
    }

    /// Says who signs and reads tokens, and who asks webhooks. Called when the server is put together; until then `TokenRequest` and
    /// `TokenReview` answer that they aren't available, and what needs a webhook fails.
    public func attach(
        tokenIssuer: (any TokenIssuer)? = nil, tokenReviewer: (any TokenReviewer)? = nil,
        webhookClient: (any WebhookClient)? = nil
    ) {
        services.withLock { services in
            if let webhookClient { services.webhookClient = webhookClient }
            if let tokenIssuer { services.tokenIssuer = tokenIssuer }
            if let tokenReviewer { services.tokenReviewer = tokenReviewer }
        }
    }

    /// Who signs tokens, once attached.
    public var tokenIssuer: (any TokenIssuer)? { services.withLock { $0.tokenIssuer } }
    /// Who reads tokens, once attached.
    public var tokenReviewer: (any TokenReviewer)? { services.withLock { $0.tokenReviewer } }

    /// Who asks webhooks, once attached.
    public var webhookClient: (any WebhookClient)? { services.withLock { $0.webhookClient } }

    /// Everything that a cluster serves, the custom resources that it defines included.
    public func schema(of cluster: LogicalCluster) -> Schema { schema(of: cluster, at: cluster.snapshot) }

    /// As above, at a snapshot.
    func schema(of cluster: LogicalCluster, at snapshot: Snapshot) -> Schema {
        customSchemas.schema(of: cluster, at: snapshot, base: schemas(cluster) ?? schema)
    }

    /// What goes for the objects of a resource here.
    func rules(of resource: ResourceType) -> any KindRules { resource.rules(isDualStack: isDualStack) }

    /// The built-in resource with this plural in the group's preferred version.
    ///
    /// - Throws: a `StatusError` (404) when the schema hasn't got it, which for built-in names is a mistake of the caller.
    public func resource(_ plural: String, group: String = "") throws(StatusError) -> ResourceType {
        guard let resource = schema.resource(GroupResource(group: group, resource: plural)) else { throw .unknownPath() }
        return resource
    }
}

extension ResourceType {
    /// The group and plural under which the objects are kept.
    var storedResource: GroupResource { GroupResource(group: storedAs.group, resource: plural) }

    var rules: any KindRules {
        if let custom { return CustomKind(version: custom) }
        // The two APIs of events keep the same objects and don't ask the same of them.
        return KindTable.rules(for: KindTable.knows(groupResource) ? groupResource : storedResource)
    }

    /// The same where services can have addresses of IPv6 too, or can't.
    func rules(isDualStack: Bool) -> any KindRules {
        let rules = self.rules
        guard isDualStack, rules is ServiceRules else { return rules }
        return ServiceRules(isDualStack: true)
    }

    /// Where an object of this resource is kept.
    public func key(namespace: String, name: String) -> Key {
        Key(group: storedAs.group, plural: plural, namespace: isNamespaced ? namespace : "", name: name)
    }

    /// What the keys of this resource start with, in one namespace or (empty) in all.
    public func prefix(namespace: String) -> String {
        Key.prefix(group: storedAs.group, plural: plural, namespace: isNamespaced && namespace.isEmpty ? nil : namespace)
    }
}
