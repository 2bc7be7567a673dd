public import KubeObject

/// Which container a request for a pod's streams means.
public enum PodContainers {
    /// The named container, or the only one, or the one that the pod says is its main one.
    ///
    /// - Throws: 400, in upstream's words, when there is no such container or it isn't clear.
    public static func resolve(_ name: String, in pod: Object) throws(StatusError) -> String {
        let tree = pod.tree
        func names(_ key: String) -> [String] { (tree["spec"]?[key]?.elements ?? []).map { $0.text("name") } }
        let containers = names("containers")
        let inits = names("initContainers")
        if name.isEmpty {
            if containers.count == 1 { return containers[0] }
            let main = tree[path: "metadata", "annotations", "kubectl.kubernetes.io/default-container"]?.string ?? ""
            if containers.contains(main) { return main }
            var choices = "choose one of: [\(containers.joined(separator: " "))]"
            if !inits.isEmpty { choices += " or one of the init containers: [\(inits.joined(separator: " "))]" }
            throw .badRequest("a container name must be specified for pod \(pod.metadata.name), \(choices)")
        }
        guard containers.contains(name) || inits.contains(name) || names("ephemeralContainers").contains(name) else {
            throw .badRequest("container \(name) is not valid for pod \(pod.metadata.name)")
        }
        return name
    }
}
