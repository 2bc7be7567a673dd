public import KubeObject
import KubeSchema
import KubeStore

/// Pods tell by labels in which zone and region their node is.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podtopologylabels
public struct PodTopologyLabels: MutatingAdmissionPlugin {
    private static let labels = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"]

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.resource.group.isEmpty, request.resource.plural == "pods" else { return }
        let node: String
        switch request.subresource {
        case "": node = request.object[path: "spec", "nodeName"]?.string ?? ""
        case "binding" where request.object[path: "target", "kind"]?.string == "Node":
            node = request.object[path: "target", "name"]?.string ?? ""
        default: return
        }
        guard !node.isEmpty, let found = request.snapshot.get(Key(group: "", plural: "nodes", name: node)) else { return }
        let labels = found.metadata.labels.filter { Self.labels.contains($0.key) }
        if !labels.isEmpty { Self.merge(JSON(labels), into: &request.object) }
    }

    /// Gives an object the labels that it hasn't got.
    static func merge(_ labels: JSON?, into object: inout JSON) {
        guard let labels = labels?.object, !labels.isEmpty else { return }
        var known = object[path: "metadata", "labels"]?.object ?? [:]
        for (key, value) in labels where known[key] == nil { known[key] = value }
        object[path: "metadata", "labels"] = .object(known)
    }
}
