import KubeObject
import KubeSchema

/// Who owns which field of an object (`metadata.managedFields`).
///
/// Books are kept for the objects that somebody has applied to the server; of all others nothing is noted, and the first apply
/// finds one earlier owner of everything, as upstream does for objects older than itself.
enum FieldOwnership {
    /// Brings the books up to date after a write that isn't an apply.
    ///
    /// - Parameter manager: who writes; empty for a part of this server, which owns nothing.
    static func note(
        _ object: inout JSON, old: JSON, _ resource: ResourceType, subresource: String, manager: String
    ) {
        let before = old[path: "metadata", "managedFields"]
        guard let before, !before.isEmpty else {
            object[path: "metadata", "managedFields"] = nil
            return
        }
        guard !manager.isEmpty, resource.gvk == resource.storedAs else {
            object[path: "metadata", "managedFields"] = before
            return
        }
        let books = ServerSideApply.managedFields(
            updating: old, to: object, type: resource.type,
            manager: .init(name: manager, isApply: false, apiVersion: resource.apiVersion, subresource: subresource),
            hasStatus: resource.subresource("status") != nil, time: Timestamp.now())
        object[path: "metadata", "managedFields"] = books
    }
}
