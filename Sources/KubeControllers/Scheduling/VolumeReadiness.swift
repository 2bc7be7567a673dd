import KubeObject

/// Whether the claims that a pod's volumes name can be used.
enum VolumeReadiness {
    /// - Returns: what is wrong, in the words of upstream's scheduler; nil when nothing is.
    static func problem(of pod: Object, claim: (String) -> Object?) -> String? {
        for volume in pod.tree[path: "spec", "volumes"]?.elements ?? [] {
            let name: String
            if let own = volume[path: "persistentVolumeClaim", "claimName"]?.string {
                name = own
            } else if volume["ephemeral"]?.object != nil {
                name = "\(pod.metadata.name)-\(volume["name"]?.string ?? "")"
            } else {
                continue
            }
            guard let claim = claim(name) else {
                if volume["ephemeral"]?.object != nil {
                    return "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(name)\""
                }
                return "persistentvolumeclaim \"\(name)\" not found"
            }
            if claim.metadata.deletionTimestamp != nil { return "persistentvolumeclaim \"\(name)\" is being deleted" }
        }
        return nil
    }
}
