import KubeObject
public import KubeStore

/// What a cluster has before anybody has made anything in it.
public enum Bootstrap {
    /// Of the objects that all clusters share.
    static let sharedCreationTimestamp = "2026-01-01T00:00:00Z"

    /// The snapshot that all clusters start from and share: roles, bindings, priority classes, priority levels. Made on first use.
    public static let base = makeBase(serviceRanges: [ServiceRange.text])

    /// The same where services can have addresses of IPv6 too.
    public static let dualStackBase = makeBase(serviceRanges: [ServiceRange.text, ServiceRange.textSix])

    private static func makeBase(serviceRanges: [String]) -> Base {
        var objects: [(key: Key, draft: Draft)] = []
        func add(_ plural: String, _ group: String, _ tree: JSON) {
            var tree = tree
            FirstManagers.book(
                &tree, by: FirstManagers.apiServer, time: sharedCreationTimestamp, ownsStatus: tree["status"] != nil)
            let metadata = tree["metadata"] ?? [:]
            let key = Key(
                group: group, plural: plural, namespace: metadata.text("namespace"), name: metadata.text("name"))
            // Only our own tables get here, and a test reads them all.
            if let draft = Result(catching: { try Draft(tree) }).value { objects.append((key, draft)) }
        }
        for tree in BootstrapRBAC.objects(creationTimestamp: sharedCreationTimestamp) {
            add(tree.text("kind").lowercased() + "s", rbacGroup, tree)
        }
        for tree in sharedObjects(serviceRanges) {
            add(plural(of: tree), GroupVersion(apiVersion: tree.text("apiVersion")).group, tree)
        }
        return Base(version: "v1.36", objects: objects)
    }

    /// An identifier that a shared object has in every cluster: the same in every run, so that the base is.
    static func sharedUID(_ name: String) -> String {
        // FNV-1a, twice, over two variations of the name.
        func hash(_ seed: UInt64) -> UInt64 {
            var value = seed
            for byte in name.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return value
        }
        return Identifiers.uuid(high: hash(0xcbf2_9ce4_8422_2325), low: hash(0x9e37_79b9_7f4a_7c15))
    }

    private static func plural(of tree: JSON) -> String {
        switch tree.text("kind") {
        case "PriorityClass": "priorityclasses"
        case "APIService": "apiservices"
        case "FlowSchema": "flowschemas"
        case "PriorityLevelConfiguration": "prioritylevelconfigurations"
        case "StorageClass": "storageclasses"
        case "CSIDriver": "csidrivers"
        case "RuntimeClass": "runtimeclasses"
        default: "servicecidrs"
        }
    }

    static func metadata(_ kind: String, _ name: String) -> JSON {
        [
            "name": .string(name), "uid": .string(sharedUID("\(kind)/\(name)")),
            "creationTimestamp": .string(sharedCreationTimestamp),
        ]
    }

    private static func priorityClass(_ name: String, _ value: Int64, _ description: String) -> JSON {
        var metadata = metadata("PriorityClass", name)
        metadata["generation"] = 1
        return [
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": .int(value),
            "description": .string(description), "preemptionPolicy": "PreemptLowerPriority",
        ]
    }

    private static func sharedObjects(_ serviceRanges: [String]) -> [JSON] {
        classesAndRanges(serviceRanges) + localPath + [sandboxClass] + APIServices.objects + BootstrapFlowControl.objects
    }

    private static var serviceRange: JSON {
        var metadata = metadata("ServiceCIDR", "kubernetes")
        metadata["finalizers"] = ["networking.k8s.io/service-cidr-finalizer"]
        return metadata
    }

    private static func classesAndRanges(_ serviceRanges: [String]) -> [JSON] {
        [
            priorityClass(
                "system-node-critical", 2_000_001_000,
                "Used for system critical pods that must not be moved from their current node."),
            priorityClass(
                "system-cluster-critical", 2_000_000_000,
                "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."),
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": serviceRange,
                "spec": ["cidrs": JSON(serviceRanges)],
                "status": [
                    "conditions": [
                        [
                            "type": "Ready", "status": "True", "reason": "",
                            "message": "Kubernetes default Service CIDR is ready",
                            "lastTransitionTime": .string(sharedCreationTimestamp),
                        ]
                    ]
                ],
            ],
        ]
    }
}
