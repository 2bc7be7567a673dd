import KubeObject
import KubeSchema

/// Whole objects: protobuf bodies, decoding by type, patches, sets of fields.
extension FuzzedDecoder {
    private static let pod: JSON = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
            "name": "a", "namespace": "b", "labels": ["x": "y"], "creationTimestamp": "2026-11-27T17:39:21Z",
            "managedFields": [["manager": "m", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": ["f:metadata": [:]]]],
        ],
        "spec": [
            "containers": [
                [
                    "name": "c", "image": "i", "ports": [["containerPort": 80, "protocol": "TCP"]],
                    "resources": ["limits": ["cpu": "100m", "memory": "1Gi"]],
                    "livenessProbe": ["httpGet": ["path": "/", "port": "http"]],
                ]
            ],
            "tolerations": [["key": "k", "operator": "Exists", "tolerationSeconds": 300]],
        ],
        "status": ["phase": "Running", "podIPs": [["ip": "10.0.0.1"]]],
    ]
    private static let deployment: JSON = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a"],
        "spec": [
            "replicas": 3, "selector": ["matchLabels": ["a": "b"]],
            "strategy": ["rollingUpdate": ["maxSurge": "25%", "maxUnavailable": 1]],
            "template": ["metadata": ["labels": ["a": "b"]], "spec": pod["spec"] ?? [:]],
        ],
    ]
    private static let definition: JSON = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "as.b.c"],
        "spec": [
            "group": "b.c", "scope": "Namespaced", "names": ["plural": "as", "kind": "A"],
            "versions": [
                [
                    "name": "v1", "served": true, "storage": true,
                    "schema": [
                        "openAPIV3Schema": [
                            "type": "object",
                            "properties": [
                                "spec": [
                                    "type": "object", "properties": ["n": ["type": "integer", "maximum": 5, "default": 1]],
                                    "x-kubernetes-validations": [["rule": "self.n < 4"]],
                                ]
                            ],
                        ]
                    ],
                ]
            ],
        ],
    ]

    private static let lease: JSON = [
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": ["name": "a", "deletionGracePeriodSeconds": 9_223_372_036_854_775_807],
        "spec": ["holderIdentity": "x", "leaseDurationSeconds": 15, "renewTime": "2026-11-27T17:39:21.123456Z"],
    ]
    private static let event: JSON = [
        "apiVersion": "v1", "kind": "Event", "metadata": ["name": "a"], "eventTime": "0001-01-01T00:00:00.500000Z",
        "firstTimestamp": "9999-12-31T23:59:59Z", "involvedObject": ["kind": "Pod"], "series": ["count": 1],
    ]

    private static func protobuf(_ tree: JSON) -> [UInt8] { (try? Protobuf.encode(tree, schema: .builtin)) ?? [] }
    private static func type(_ group: String, _ version: String, _ kind: String) -> TypeSchema? {
        Schema.builtin.type(forKind: GroupVersionKind(group: group, version: version, kind: kind))
    }

    static let objects = [
        FuzzedDecoder(
            "protobuf", seeds: [pod, deployment, definition, lease, event].map(protobuf),
            tokens: [
                [0x0A], [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                [0x6B, 0x38, 0x73, 0],
            ]
        ) { bytes throws(BrokenPromise) in
            guard let tree = try? Protobuf.decode(bytes, schema: .builtin) else { return }
            // Not everything that can be read can be written (a wrapped JSON may hold anything), but what can must be read again.
            guard let written = try? Protobuf.encode(tree, schema: .builtin) else { return }
            guard let again = try? Protobuf.decode(written, schema: .builtin),
                (try? Protobuf.encode(again, schema: .builtin)) == written
            else {
                throw BrokenPromise("what was written can't be read, or differs when it is written again")
            }
        },
        FuzzedDecoder(
            "object", seeds: [pod, deployment].map { $0.encoded() },
            tokens: ["null", "[]", "{}", "\"\"", "-1", "true", ",", ":", "\"spec\":"].map { Array($0.utf8) }
        ) { bytes throws(BrokenPromise) in
            guard let tree = try? JSON(parsing: bytes), let type = type("", "v1", "Pod"), let decoded = try? type.decode(tree)
            else { return }
            var defaulted = decoded.tree
            type.applyDefaults(to: &defaulted)
            guard (try? type.decode(defaulted))?.unknownFields.isEmpty == true else {
                throw BrokenPromise("with its defaults, a pod is none any more")
            }
            guard
                (try? Protobuf.encode(decoded.tree, schema: .builtin)) != nil || tree["kind"]?.string != "Pod"
                    || tree["apiVersion"]?.string != "v1"
            else { throw BrokenPromise("a decoded pod has no protobuf form") }
        },
        FuzzedDecoder(
            "strategic-merge-patch",
            seeds: [
                #"{"spec":{"containers":[{"name":"c","image":"j"},{"name":"d","$patch":"delete"}],"$setElementOrder/containers":[{"name":"c"}]}}"#,
                #"{"metadata":{"labels":{"$patch":"replace","a":"b"},"$retainKeys":["labels"],"$deleteFromPrimitiveList/finalizers":["x"]}}"#,
                #"{"spec":{"tolerations":null,"volumes":[{"$patch":"replace"},{"name":"v","$retainKeys":["name"]}]}}"#,
            ],
            tokens: [
                #""$patch":"delete""#, #""$patch":"replace""#, #""$retainKeys":["#, #""$setElementOrder/"#, "null", "[]", "{}",
                ",",
            ]
        ) { bytes throws(BrokenPromise) in
            guard let patch = try? JSON(parsing: bytes), let type = type("", "v1", "Pod") else { return }
            _ = try? StrategicMergePatch.apply(patch, to: pod, type: type)
            _ = try? MergePatch.apply(patch, to: pod)
        },
        FuzzedDecoder(
            "json-patch",
            seeds: [
                #"[{"op":"test","path":"/kind","value":"Pod"},{"op":"add","path":"/spec/containers/-","value":{}},{"op":"remove","path":"/metadata/labels/x"}]"#,
                #"[{"op":"move","from":"/spec/containers/0","path":"/a~1b"},{"op":"copy","from":"","path":"/x"},{"op":"replace","path":"","value":[]}]"#,
            ],
            tokens: ["/", "~0", "~1", "-", "\"op\":", "\"copy\"", "\"from\":\"\"", "/spec/containers/0", "null", "{", "}", ","]
        ) { bytes throws(BrokenPromise) in
            guard let patch = try? JSON(parsing: bytes) else { return }
            _ = try? JSONPatch.apply(patch, to: pod)
        },
        FuzzedDecoder(
            "field-set",
            seeds: [
                #"{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}},"f:x":{"v:\"y\"":{},"i:0":{}}}}"#
            ], tokens: ["\"f:", "\"k:{", "\"v:", "\"i:", "\".\":{}", "{}", "\\\"", ":", ","]
        ) { bytes throws(BrokenPromise) in
            guard let tree = try? JSON(parsing: bytes) else { return }
            _ = FieldSet(fieldsV1: tree)
        },
        FuzzedDecoder(
            "custom-resource-definition", seeds: [definition.encoded()],
            tokens: [
                "\"type\":", "\"properties\":{", "\"items\":{", "\"allOf\":[", "\"not\":{", "\"x-kubernetes-int-or-string\":true",
                "\"pattern\":\"(a*)*\"",
                "\"x-kubernetes-list-type\":\"map\"", "\"rule\":\"self.all(x, x.all(y, y))\"", "\"default\":",
                "\"nullable\":true", "\"additionalProperties\":",
            ].map { Array($0.utf8) }
        ) { bytes throws(BrokenPromise) in
            guard var tree = try? JSON(parsing: bytes) else { return }
            CustomResourceDefinitionRules.applyDefaults(to: &tree)
            guard CustomResourceDefinitionRules.errors(in: tree).isEmpty else { return }
            guard let definition = try? CustomResourceDefinition(tree) else {
                throw BrokenPromise("a definition without errors can't be read")
            }
            _ = definition.resourceTypes()
        },
    ]
}
