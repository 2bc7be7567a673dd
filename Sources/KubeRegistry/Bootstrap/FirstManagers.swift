import KubeObject
import KubeSchema
import Synchronization

/// Who owns the fields of what a cluster begins with: no request made it, but each object is booked as if upstream's component had
/// that makes it there, so that whoever writes later finds its books as in any cluster.
enum FirstManagers {
    static let apiServer = "kube-apiserver"
    static let controllerManager = "kube-controller-manager"
    static let kubelet = "kubelet"
    /// Installs what isn't part of Kubernetes itself, as the service of DNS.
    static let installer = "kubeadm"
    /// Applies the rules of roles that aggregate others.
    static let aggregation = "clusterrole-aggregation-controller"

    /// Members of `spec` that upstream's server gives values itself, and that nobody owns therefore.
    private static let allocated = ["Service": ["clusterIPs", "ipFamilies"], "Namespace": ["finalizers"]]

    /// Books of objects that differ in nothing that is booked: one for each kind and name.
    private static let known = Mutex<[String: ManagedFields]>([:])

    /// Books an object.
    ///
    /// - Parameters:
    ///   - ownsStatus: whether the manager has told the status as well, through the subresource.
    ///   - isAlike: whether all objects of this kind and name have the same fields, in all clusters.
    static func book(
        _ tree: inout JSON, by manager: String, time: String, ownsStatus: Bool = false, isAlike: Bool = false
    ) {
        let key = "\(tree.text("kind"))/\(tree["metadata"]?.text("name") ?? "")"
        var books: ManagedFields
        if isAlike, let found = known.withLock({ $0[key] }) {
            books = found
        } else {
            books = make(tree, manager, ownsStatus: ownsStatus)
            if isAlike { known.withLock { $0[key] = books } }
        }
        for index in books.entries.indices { books.entries[index].time = time }
        tree[path: "metadata", "managedFields"] = books.tree
    }

    private static func make(_ tree: JSON, _ manager: String, ownsStatus: Bool) -> ManagedFields {
        let gvk = GroupVersion(apiVersion: tree.text("apiVersion")).kind(tree.text("kind"))
        guard let resource = Schema.builtin.resource(forKind: gvk) else { return ManagedFields() }
        func write(_ manager: String, _ subresource: String) -> ServerSideApply.Write {
            FieldOwnership.write(
                ManagedFields.Manager(name: manager, isApply: false, apiVersion: gvk.apiVersion, subresource: subresource),
                resource)
        }
        var written = tree
        if resource.subresource("status") != nil { written["status"] = nil }
        for name in allocated[gvk.kind] ?? [] { written[path: "spec", name] = nil }
        if written["spec"]?.object?.isEmpty == true { written["spec"] = nil }
        let aggregates = tree["aggregationRule"] != nil
        if aggregates { written["rules"] = [] }
        let first = ServerSideApply.managedFields(updating: nil, to: written, write(manager, ""))
        written[path: "metadata", "managedFields"] = first
        if ownsStatus, first != nil {
            var complete = written
            complete["status"] = tree["status"]
            complete[path: "metadata", "managedFields"] = ServerSideApply.managedFields(
                updating: written, to: complete, write(manager, "status"))
            written = complete
        }
        if aggregates {
            let rules: JSON = [
                "manager": .string(aggregation), "operation": "Apply", "apiVersion": .string(gvk.apiVersion),
                "fieldsType": "FieldsV1", "fieldsV1": ["f:rules": [:]],
            ]
            let others = written[path: "metadata", "managedFields"]?.elements ?? []
            written[path: "metadata", "managedFields"] = .array([rules] + others)
        }
        return ManagedFields(of: written)
    }
}
