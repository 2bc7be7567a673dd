public import KubeObject
import KubeSchema
import KubeStore

/// A pod that is on a node can't be resized to ask for more than that node could ever give.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ (PodResizeValidator)
public struct PodResizeAdmission: ValidatingAdmissionPlugin {
    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .update, request.subresource == "resize", request.resource.group.isEmpty,
            request.resource.plural == "pods", request.old?.tree["spec"] != request.object["spec"],
            let name = request.object[path: "spec", "nodeName"]?.string, !name.isEmpty
        else { return }
        guard let node = request.snapshot.get(Key(group: "", plural: "nodes", name: name)) else {
            throw Self.refusal(request, "node \"\(name)\" not found")
        }
        let allocatable = ResourceAmounts(node.tree[path: "status", "allocatable"])
        let requested = PodResources.requests(of: request.object)
        let short = ["cpu", "memory"].filter { requested[$0] > allocatable[$0] }
        guard short.isEmpty else {
            let amounts = short.map { "\($0), requested: \(requested[$0]), allocatable: \(allocatable[$0])" }
            throw Self.refusal(
                request, "Node didn't have enough allocatable resources: \(amounts.joined(separator: "; "))",
                cause: "NodeCapacity")
        }
        let system = node.metadata.labels["kubernetes.io/os"] ?? ""
        guard system == "linux" else {
            throw Self.refusal(
                request, "pod resize is only supported on linux nodes, node \"\(name)\" is \"\(system)\"",
                cause: "UnsupportedPlatform")
        }
    }

    private static func refusal(_ request: AdmissionRequest, _ why: String, cause: String? = nil) -> StatusError {
        var error = StatusError.forbidden(request.resource.groupResource, request.name, why)
        if let cause { error.details?["causes"] = [["reason": .string(cause)]] }
        return error
    }
}
