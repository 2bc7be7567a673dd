public import KubeStore

/// Who asks: what authentication found out about a request's sender.
public struct UserInfo: Sendable, Hashable {
    /// The name that RBAC's subjects of kind `User` mean, as `system:serviceaccount:NAMESPACE:NAME` for a service account.
    public var name: String
    public var uid: String
    public var groups: [String]
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    /// The server itself: may do everything.
    public static let server = UserInfo(name: "system:apiserver", groups: ["system:masters", "system:authenticated"])

    /// A request without a credential.
    public static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])

    /// A service account, as its token authenticates.
    public static func serviceAccount(namespace: String, name: String, uid: String = "") -> UserInfo {
        UserInfo(
            name: "system:serviceaccount:\(namespace):\(name)", uid: uid,
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"])
    }
}

/// For whom and in which logical cluster a verb is performed.
///
/// Authorization is the transport's duty, before it calls the registry; in-process callers (controllers, the runtime) aren't
/// authorized at all. What the registry itself asks the ``Authorizer`` for is only what a verb's meaning needs: access reviews
/// and the prevention of privilege escalation.
public struct RequestContext: Sendable {
    public var cluster: LogicalCluster
    public var user: UserInfo
    /// Whether a part of this server asks, which may do everything and is never held back by admission that guards tenants.
    public var isInternal: Bool
    /// As whose fields a part of this server books what it writes: upstream's program that would have written it.
    var fieldManager = ""
    /// What is to be said besides the answer, where somebody listens.
    public var notes: RequestNotes?
    /// When nobody waits for the answer any more; nil for a part of this server.
    public var deadline: ContinuousClock.Instant?
    /// Whether admission has had its say: what follows is a part of what it let pass.
    var isAdmitted = false

    public init(cluster: LogicalCluster, user: UserInfo, isInternal: Bool = false) {
        self.cluster = cluster
        self.user = user
        self.isInternal = isInternal
    }

    /// The same for what follows from a request that admission has let pass.
    var admitted: RequestContext {
        var context = self
        context.isAdmitted = true
        return context
    }

    /// The context of a part of this server, as `deployment-controller`, whose user is the service account of that name in kube-system.
    public static func controller(_ name: String, in cluster: LogicalCluster) -> RequestContext {
        var context = RequestContext(
            cluster: cluster, user: .serviceAccount(namespace: "kube-system", name: name), isInternal: true)
        // Upstream's API server looks after definitions and flow control itself.
        context.fieldManager =
            name == "customresourcedefinition-controller"
            ? "kube-apiserver" : name.hasPrefix("api-priority-and-fairness") ? name : "kube-controller-manager"
        return context
    }

    /// The context of the part that runs pods, whose user is the node's.
    public static func node(_ name: String, in cluster: LogicalCluster) -> RequestContext {
        var context = RequestContext(
            cluster: cluster,
            user: UserInfo(name: "system:node:\(name)", groups: ["system:nodes", "system:authenticated"]), isInternal: true)
        context.fieldManager = "kubelet"
        return context
    }
}
