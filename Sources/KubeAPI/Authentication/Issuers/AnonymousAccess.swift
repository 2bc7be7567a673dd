import KubeObject

/// Whether somebody without a credential is let in as nobody.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-authenticator-configuration
struct AnonymousAccess: Sendable, Hashable {
    var isEnabled = true
    /// Where only; nil: everywhere.
    var paths: [String]?

    init() {}

    init(_ tree: JSON?) {
        guard let tree, tree.object != nil else { return }
        self.isEnabled = tree["enabled"]?.bool ?? false
        let conditions = tree["conditions"]?.elements ?? []
        if !conditions.isEmpty { self.paths = conditions.map { $0["path"]?.string ?? "" } }
    }

    /// - Parameter path: within the cluster.
    func allows(_ path: String) -> Bool { self.isEnabled && (self.paths?.contains(path) ?? true) }
}
