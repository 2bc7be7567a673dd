import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

/// What the server does for its own objects of flow control, as upstream's bootstrap does: those that were deleted are made anew; the
/// spec of those that it must have (`exempt`, `catch-all`) and of those whose annotation says so is set back.
extension Work {
    private static let autoUpdate = "apf.kubernetes.io/autoupdate-spec"
    private static let mandatory: Set<String> = ["exempt", "catch-all"]

    /// - Returns: whether there was something to do. Then there is an event, and the object's turn comes again.
    func restore(_ resource: ResourceType) async throws -> Bool {
        let key = Key(resource, namespace: "", name: name)
        guard let original = cluster.base.snapshot.get(key) else { return false }
        guard let object = object(resource) else {
            var tree = original.tree
            tree["metadata"] = ["name": .string(name), "annotations": [Self.autoUpdate: "true"]]
            tree["status"] = nil
            do {
                try await create(tree, resource)
            } catch let error as StatusError where error.isAlreadyExists {
                // A user was quicker: that one's turn comes by its own event.
            }
            return true
        }
        let isKept =
            Self.mandatory.contains(name)
            || object.tree[path: "metadata", "annotations", Self.autoUpdate]?.string == "true"
        guard isKept, object.tree["spec"] != original.tree["spec"] else { return false }
        try await change(resource, object.metadata) { $0["spec"] = original.tree["spec"] }
        return true
    }
}
