import KubeObject

/// The pod that a daemon set makes for one node.
enum DaemonSetPodTemplate {
    static func pod(_ set: Object, node: String, hash: String, generation: Int64) -> JSON {
        var pod = PodFromTemplate.make(set.tree[path: "spec", "template"] ?? [:], owner: set)
        pod[path: "metadata", "labels", RevisionHistory.hashLabel] = .string(hash)
        pod[path: "metadata", "labels", "pod-template-generation"] = .string(String(generation))
        pod[path: "spec", "tolerations"] = .array(tolerations(pod["spec"]))
        // The scheduler binds it; this says where.
        let term: JSON = ["matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]]
        let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"][
            ...]
        let terms = pod[keys: path]?.elements ?? []
        let merged = terms.map { own -> JSON in
            var own = own
            own["matchFields"] = term["matchFields"]
            return own
        }
        pod[keys: path] = .array(merged.isEmpty ? [term] : merged)
        return pod
    }

    /// The node that a pod was made for.
    static func node(of pod: Object) -> String? {
        let terms = pod.tree[
            path: "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]
        for field in terms?[0]?["matchFields"]?.elements ?? [] where field["key"]?.string == "metadata.name" {
            return field["values"]?[0]?.string
        }
        return nil
    }

    /// A template's tolerations and those that every daemon has: daemons stay on nodes that have trouble.
    static func tolerations(_ spec: JSON?) -> [JSON] {
        var own = spec?["tolerations"]?.elements ?? []
        var needed = [
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"),
            ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ]
        if spec?["hostNetwork"]?.bool ?? false { needed.append(("network-unavailable", "NoSchedule")) }
        for (name, effect) in needed {
            let key = "node.kubernetes.io/\(name)"
            guard !own.contains(where: { $0["key"]?.string == key && $0["effect"]?.string == effect }) else { continue }
            own.append(["key": .string(key), "operator": "Exists", "effect": .string(effect)])
        }
        return own
    }
}
