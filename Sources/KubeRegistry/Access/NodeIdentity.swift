import KubeObject

/// Which node a user is.
struct NodeIdentity: Sendable, Hashable {
    /// Empty when the user is a node, and doesn't say which.
    let name: String

    private static let prefix = "system:node:"

    /// Nil for a user that is no node.
    init?(_ user: UserInfo) {
        guard user.name.hasPrefix(Self.prefix), user.groups.contains("system:nodes") else { return nil }
        self.name = String(user.name.dropFirst(Self.prefix.count))
    }
}
