import KubeObject

/// The groups that every API server serves itself, as objects; the priorities order discovery.
enum APIServices {
    private struct Entry {
        var group: String
        var version: String
        var groupPriority: Int64
        var versionPriority: Int64

        init(_ group: String, _ version: String, _ groupPriority: Int64, _ versionPriority: Int64) {
            self.group = group
            self.version = version
            self.groupPriority = groupPriority
            self.versionPriority = versionPriority
        }
    }

    private static let entries = [
        Entry("", "v1", 18000, 1), Entry("apps", "v1", 17800, 15), Entry("events.k8s.io", "v1", 17750, 15),
        Entry("authentication.k8s.io", "v1", 17700, 15), Entry("authorization.k8s.io", "v1", 17600, 15),
        Entry("autoscaling", "v1", 17500, 15), Entry("autoscaling", "v2", 17500, 30), Entry("batch", "v1", 17400, 15),
        Entry("certificates.k8s.io", "v1", 17300, 15), Entry("networking.k8s.io", "v1", 17200, 15),
        Entry("policy", "v1", 17100, 15), Entry(rbacGroup, "v1", 17000, 15), Entry("storage.k8s.io", "v1", 16800, 15),
        Entry("apiextensions.k8s.io", "v1", 16700, 15), Entry("admissionregistration.k8s.io", "v1", 16700, 15),
        Entry("scheduling.k8s.io", "v1", 16600, 15), Entry("coordination.k8s.io", "v1", 16500, 15),
        Entry("node.k8s.io", "v1", 16300, 15), Entry("discovery.k8s.io", "v1", 16200, 15),
        Entry("flowcontrol.apiserver.k8s.io", "v1", 16100, 21), Entry("resource.k8s.io", "v1", 15900, 21),
    ]

    static var objects: [JSON] {
        entries.map { entry in
            var metadata = Bootstrap.metadata("APIService", "\(entry.version).\(entry.group)")
            metadata["labels"] = ["kube-aggregator.kubernetes.io/automanaged": "onstart"]
            var spec: JSON = [
                "version": .string(entry.version), "groupPriorityMinimum": .int(entry.groupPriority),
                "versionPriority": .int(entry.versionPriority),
            ]
            if !entry.group.isEmpty { spec["group"] = .string(entry.group) }
            return [
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": metadata, "spec": spec,
                "status": [
                    "conditions": [
                        [
                            "type": "Available", "status": "True", "reason": "Local",
                            "message": "Local APIServices are always available",
                            "lastTransitionTime": .string(Bootstrap.sharedCreationTimestamp),
                        ]
                    ]
                ],
            ]
        }
    }
}
