import KubeObject

@testable import KubeControllers

/// Objects for tests.
enum Samples {
    static let now = ManualClock.epoch

    /// The API's form of a time so many seconds before `now`.
    static func ago(_ seconds: Double) -> String { Timestamp.format(now - seconds) }

    static func object(_ tree: JSON) throws -> Object { try Object(tree, resourceVersion: 1) }

    static let template: JSON = [
        "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "web", "image": "web:1"]]],
    ]

    static func deployment(
        replicas: Int64 = 10, image: String = "web:1", surge: JSON = "25%", unavailable: JSON = "25%", status: JSON = [:],
        _ change: (inout JSON) -> Void = { _ in }
    ) throws -> Object {
        var template = template
        template["spec"] = ["containers": [["name": "web", "image": .string(image)]]]
        var tree: JSON = [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": ["name": "web", "namespace": "default", "uid": "d", "generation": 1],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": "web"]], "template": template,
                "strategy": [
                    "type": "RollingUpdate", "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable],
                ], "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
            ], "status": status,
        ]
        change(&tree)
        return try object(tree)
    }

    /// A replica set of `deployment`; the older the smaller its number.
    static func replicaSet(
        _ number: Int, image: String, replicas: Int64, available: Int64? = nil, desired: Int64? = 10, maximum: Int64? = 13,
        revision: Int64? = nil, _ change: (inout JSON) -> Void = { _ in }
    ) throws -> Object {
        var template = template
        template["spec"] = ["containers": [["name": "web", "image": .string(image)]]]
        template[path: "metadata", "labels", "pod-template-hash"] = .string("h\(number)")
        var annotations: [String: String] = ["deployment.kubernetes.io/revision": String(revision ?? Int64(number))]
        annotations["deployment.kubernetes.io/desired-replicas"] = desired.map(String.init)
        annotations["deployment.kubernetes.io/max-replicas"] = maximum.map(String.init)
        let ready = available ?? replicas
        var tree: JSON = [
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": [
                "name": .string("web-h\(number)"), "namespace": "default", "uid": .string("rs\(number)"), "generation": 1,
                "creationTimestamp": .string(ago(1000 - Double(number))), "labels": ["app": "web"],
                "annotations": JSON(annotations),
                "ownerReferences": [
                    ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true]
                ],
            ],
            "spec": ["replicas": .int(replicas), "selector": ["matchLabels": ["app": "web"]], "template": template],
            "status": [
                "replicas": .int(replicas), "readyReplicas": .int(ready), "availableReplicas": .int(ready),
                "observedGeneration": 1,
            ],
        ]
        change(&tree)
        return try object(tree)
    }

    static func pod(
        _ name: String, labels: [String: String] = ["app": "web"], owner: String? = "rs1", phase: String = "Running",
        readyFor: Double? = 60, node: String = "node-1", _ change: (inout JSON) -> Void = { _ in }
    ) throws -> Object {
        var tree: JSON = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("uid-\(name)"), "labels": JSON(labels),
                "creationTimestamp": .string(ago(100)),
            ],
            "spec": ["nodeName": .string(node), "containers": [["name": "web", "image": "web:1"]]],
            "status": ["phase": .string(phase)],
        ]
        if let owner {
            tree[path: "metadata", "ownerReferences"] = [
                ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": .string(owner), "controller": true]
            ]
        }
        tree[path: "status", "conditions"] = [
            [
                "type": "Ready", "status": readyFor == nil ? "False" : "True",
                "lastTransitionTime": .string(ago(readyFor ?? 0)),
            ]
        ]
        change(&tree)
        return try object(tree)
    }
}
