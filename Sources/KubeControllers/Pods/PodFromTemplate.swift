import KubeObject

/// The pod that a workload makes from its template.
enum PodFromTemplate {
    /// - Parameters:
    ///   - template: a `PodTemplateSpec`.
    ///   - name: the pod's name; nil gives it a generated one that begins with the owner's.
    static func make(_ template: JSON, owner: Object, name: String? = nil) -> JSON {
        var metadata: JSON = [:]
        if let name { metadata["name"] = .string(name) } else { metadata["generateName"] = .string(prefix(owner.metadata.name)) }
        metadata["namespace"] = .string(owner.metadata.namespace)
        for key in ["labels", "annotations", "finalizers"] {
            if let value = template[path: "metadata", key], !value.isNull { metadata[key] = value }
        }
        metadata["ownerReferences"] = [ControllerOwnership.reference(to: owner).tree]
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] ?? [:]]
    }

    /// The owner's name and a dash, unless that can't begin a pod's name.
    private static func prefix(_ owner: String) -> String {
        // A generated name adds five characters; a pod's name is at most 253 long and the server shortens the prefix itself.
        "\(owner)-"
    }
}
