import KubeObject

/// The replica set that a deployment makes for a template it hasn't rolled out yet.
enum NewReplicaSet {
    static func make(_ deployment: DeploymentView, replicas: Int64, revision: Int64) -> JSON {
        let hash = PodTemplate.hash(deployment.template, collisions: deployment.collisionCount)
        var template = deployment.template
        template[path: "metadata", "labels", PodTemplate.hashLabel] = .string(hash)
        var selector = deployment.object.tree[path: "spec", "selector"] ?? [:]
        selector[path: "matchLabels", PodTemplate.hashLabel] = .string(hash)
        var annotations = DeploymentRevision.annotations(of: deployment, revision: revision, existing: nil)
        annotations[DeploymentRevision.desiredReplicas] = String(deployment.replicas)
        annotations[DeploymentRevision.maxReplicas] = String(deployment.replicas + deployment.maxSurge)

        var spec: JSON = ["replicas": .int(replicas), "selector": selector, "template": template]
        if deployment.minReadySeconds > 0 { spec["minReadySeconds"] = .int(deployment.minReadySeconds) }
        return [
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": [
                "name": .string("\(deployment.name)-\(hash)"), "namespace": .string(deployment.metadata.namespace),
                "labels": template[path: "metadata", "labels"] ?? [:], "annotations": JSON(annotations),
                "ownerReferences": [ControllerOwnership.reference(to: deployment.object).tree],
            ],
            "spec": spec,
        ]
    }
}
