import KubeObject

/// The objects of its namespace that a pod needs.
enum PodReferences {
    static func names(_ pod: JSON, secret name: String) -> Bool { secrets(of: pod).contains(name) }
    static func names(_ pod: JSON, configMap name: String) -> Bool { configMaps(of: pod).contains(name) }

    /// Where volumes' sources name a secret, below the source's own field.
    private static let secretFields: [(source: String, path: [String])] = [
        ("azureFile", ["secretName"]), ("cephfs", ["secretRef", "name"]), ("cinder", ["secretRef", "name"]),
        ("csi", ["nodePublishSecretRef", "name"]), ("flexVolume", ["secretRef", "name"]), ("iscsi", ["secretRef", "name"]),
        ("rbd", ["secretRef", "name"]), ("scaleIO", ["secretRef", "name"]), ("secret", ["secretName"]),
        ("storageos", ["secretRef", "name"]),
    ]

    static func secrets(of pod: JSON) -> Set<String> {
        let spec = pod["spec"] ?? [:]
        var names = Set((spec["imagePullSecrets"]?.elements ?? []).compactMap { $0["name"]?.string })
        for container in containers(of: spec) {
            names.formUnion(environment(of: container, key: "secretKeyRef", whole: "secretRef"))
        }
        for volume in spec["volumes"]?.elements ?? [] {
            for (source, path) in secretFields {
                if let name = volume[source]?[keys: path[...]]?.string { names.insert(name) }
            }
            names.formUnion(projected(in: volume, "secret"))
        }
        names.remove("")
        return names
    }

    static func configMaps(of pod: JSON) -> Set<String> {
        let spec = pod["spec"] ?? [:]
        var names: Set<String> = []
        for container in containers(of: spec) {
            names.formUnion(environment(of: container, key: "configMapKeyRef", whole: "configMapRef"))
        }
        for volume in spec["volumes"]?.elements ?? [] {
            if let name = volume[path: "configMap", "name"]?.string { names.insert(name) }
            names.formUnion(projected(in: volume, "configMap"))
        }
        names.remove("")
        return names
    }

    /// The claims of its volumes, those made for it included.
    static func claims(of pod: JSON) -> Set<String> {
        let name = pod["metadata"]?.text("name") ?? ""
        return Set(
            (pod[path: "spec", "volumes"]?.elements ?? []).compactMap { volume in
                if let claim = volume[path: "persistentVolumeClaim", "claimName"]?.string { return claim }
                return volume.present("ephemeral") == nil ? nil : "\(name)-\(volume.text("name"))"
            })
    }

    static func resourceClaims(of pod: JSON) -> Set<String> {
        let made = pod[path: "status", "resourceClaimStatuses"]?.elements ?? []
        var names = Set(
            (pod[path: "spec", "resourceClaims"]?.elements ?? []).compactMap { claim in
                claim["resourceClaimName"]?.string
                    ?? made.first { $0["name"] == claim["name"] }?["resourceClaimName"]?.string
            })
        if let extended = pod[path: "status", "extendedResourceClaimStatus", "resourceClaimName"]?.string {
            names.insert(extended)
        }
        return names
    }

    private static func containers(of spec: JSON) -> [JSON] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.elements ?? [] }
    }

    private static func environment(of container: JSON, key: String, whole: String) -> [String] {
        (container["env"]?.elements ?? []).compactMap { $0[path: "valueFrom", key, "name"]?.string }
            + (container["envFrom"]?.elements ?? []).compactMap { $0[path: whole, "name"]?.string }
    }

    private static func projected(in volume: JSON, _ kind: String) -> [String] {
        (volume[path: "projected", "sources"]?.elements ?? []).compactMap { $0[path: kind, "name"]?.string }
    }
}
