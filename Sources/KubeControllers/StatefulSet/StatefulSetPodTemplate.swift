import KubeObject

/// The pods and claims that a stateful set makes, with the identity that each ordinal has for good.
enum StatefulSetPodTemplate {
    static func pod(_ set: StatefulSetView, template: JSON, ordinal: Int, revision: String) -> JSON {
        let name = set.podName(ordinal)
        var pod = PodFromTemplate.make(template, owner: set.object, name: name)
        pod[path: "metadata", "labels", RevisionHistory.hashLabel] = .string(revision)
        pod[path: "metadata", "labels", "statefulset.kubernetes.io/pod-name"] = .string(name)
        pod[path: "metadata", "labels", "apps.kubernetes.io/pod-index"] = .string(String(ordinal))
        pod[path: "spec", "hostname"] = .string(name)
        if let service = set.spec["serviceName"]?.string, !service.isEmpty { pod[path: "spec", "subdomain"] = .string(service) }
        let claims = set.claimTemplates.map { claim -> JSON in
            [
                "name": claim[path: "metadata", "name"] ?? "",
                "persistentVolumeClaim": ["claimName": .string(set.claimName(claim, ordinal))],
            ]
        }
        guard !claims.isEmpty else { return pod }
        let names = Set(claims.compactMap { $0["name"]?.string })
        let others = (pod[path: "spec", "volumes"]?.elements ?? []).filter { !names.contains($0["name"]?.string ?? "") }
        pod[path: "spec", "volumes"] = .array(claims + others)
        return pod
    }

    static func claims(_ set: StatefulSetView, ordinal: Int) -> [JSON] {
        set.claimTemplates.map { template in
            var claim = template
            claim["apiVersion"] = "v1"
            claim["kind"] = "PersistentVolumeClaim"
            claim["status"] = nil
            claim[path: "metadata", "name"] = .string(set.claimName(template, ordinal))
            claim[path: "metadata", "namespace"] = .string(set.object.metadata.namespace)
            var labels = template[path: "metadata", "labels"]?.stringMap ?? [:]
            labels.merge(set.spec[path: "selector", "matchLabels"]?.stringMap ?? [:]) { $1 }
            claim[path: "metadata", "labels"] = labels.isEmpty ? nil : JSON(labels)
            if set.deletesClaimsWithSet {
                claim[path: "metadata", "ownerReferences"] = [ControllerOwnership.reference(to: set.object).tree]
            }
            return claim
        }
    }
}
