public import KubeObject
import KubeSchema

/// Nodes come with a taint that keeps pods away until the node controller has seen what state they are in.
public struct TaintNodesByCondition: MutatingAdmissionPlugin {
    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty, request.resource.plural == "nodes",
            request.resource.group.isEmpty
        else { return }
        let key = "node.kubernetes.io/not-ready"
        var taints = request.object[path: "spec", "taints"]?.elements ?? []
        guard !taints.contains(where: { $0.text("key") == key && $0.text("effect") == "NoSchedule" }) else { return }
        taints.append(["key": .string(key), "effect": "NoSchedule"])
        request.object[path: "spec", "taints"] = .array(taints)
    }
}
