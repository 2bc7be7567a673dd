public import KubeObject
import KubeSchema

/// Pods stay five minutes on a node that isn't ready or can't be reached, unless they say otherwise.
public struct DefaultTolerationSeconds: MutatingAdmissionPlugin {
    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation != .delete, request.subresource.isEmpty, request.resource.plural == "pods",
            request.resource.group.isEmpty
        else { return }
        var tolerations = request.object[path: "spec", "tolerations"]?.elements ?? []
        let count = tolerations.count
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let isTolerated = tolerations.prefix(count).contains { toleration in
                let key = toleration.text("key")
                let effect = toleration.text("effect")
                return (key == taint || key.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
            }
            if isTolerated { continue }
            tolerations.append([
                "key": .string(taint), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            ])
        }
        if tolerations.count > count { request.object[path: "spec", "tolerations"] = .array(tolerations) }
    }
}
