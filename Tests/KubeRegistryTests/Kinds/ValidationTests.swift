import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

/// What upstream says of objects that are wrong, kind by kind.
@Suite struct ValidationTests {
    /// The causes for an object after defaulting, without metadata.
    private func causes(_ yaml: String) throws -> [String] {
        var tree = try parse(yaml)
        let kind = GroupVersion(apiVersion: tree.text("apiVersion")).kind(tree.text("kind"))
        let resource = try #require(Schema.builtin.resource(forKind: kind))
        resource.rules.setDefaults(&tree)
        var errors = FieldErrors()
        resource.rules.validate(tree, &errors)
        return errors.list.map(\.description)
    }

    @Test(arguments: [
        ("{}", ["spec.containers: Required value"]),
        (
            "{containers: [{image: x}]}", ["spec.containers[0].name: Required value"]
        ),
        ("{containers: [{name: a}]}", ["spec.containers[0].image: Required value"]),
        (
            "{containers: [{name: a, image: x}, {name: a, image: z}]}", ["spec.containers[1].name: Duplicate value: \"a\""]
        ),
        (
            "{restartPolicy: Sometimes, containers: [{name: a, image: x}]}",
            ["spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\""]
        ),
        (
            "{containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v}]}]}",
            ["spec.containers[0].volumeMounts[0].name: Not found: \"v\""]
        ),
        (
            "{containers: [{name: a, image: x, ports: [{containerPort: 70000}]}]}",
            ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]
        ),
        (
            "{containers: [{name: a, image: x, resources: {requests: {cpu: '2'}, limits: {cpu: '1'}}}]}",
            ["spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"]
        ),
        (
            "{containers: [{name: a, image: x, livenessProbe: {periodSeconds: 1}}]}",
            ["spec.containers[0].livenessProbe: Required value: must specify a handler type"]
        ),
        (
            "{containers: [{name: a, image: x}], volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]}",
            ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]
        ),
        (
            "{containers: [{name: a, image: x}], tolerations: [{operator: Exists, value: 'y'}]}",
            [
                "spec.tolerations[0].operator: Invalid value: \"y\": value must be empty when `operator` is 'Exists'"
            ]
        ),
        (
            "{containers: [{name: a, image: x, env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}]}",
            ["spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"]
        ),
        ("{containers: [{name: a, image: x}], initContainers: [{name: i, image: z, restartPolicy: Always}]}", []),
    ])
    func pods(_ spec: String, _ expected: [String]) throws {
        #expect(try causes("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: \(spec)}") == expected)
    }

    @Test(arguments: [
        (
            "{apiVersion: v1, kind: ConfigMap, data: {'a/b': c}}",
            [
                "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            ]
        ),
        (
            "{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, data: {tls.crt: ''}}", ["data[tls.key]: Required value"]
        ),
        ("{apiVersion: v1, kind: Service, spec: {}}", ["spec.ports: Required value"]),
        (
            "{apiVersion: v1, kind: Service, spec: {type: What, ports: [{port: 1}]}}",
            [
                "spec.type: Unsupported value: \"What\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\""
            ]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {ports: [{port: 1}, {port: 2, name: b}]}}",
            ["spec.ports[0].name: Required value"]
        ),
        (
            "{apiVersion: batch/v1, kind: Job, spec: {manualSelector: true, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}}}",
            ["spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{http: {paths: [{path: x, pathType: Exact, backend: {service: {name: s, port: {number: 80}}}}]}}]}}",
            ["spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"]
        ),
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [''], resources: [pods]}]}",
            ["rules[0].verbs: Required value: verbs must contain at least one value"]
        ),
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, roleRef: {kind: Role, name: x}}",
            ["roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\""]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {resources: {requests: {storage: 1Gi}}}}",
            ["spec.accessModes: Required value: at least 1 access mode is required"]
        ),
        (
            "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {minAvailable: 1x}}",
            [
                "spec.minAvailable: Invalid value: \"1x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            ]
        ),
        (
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 0, scaleTargetRef: {kind: Deployment, name: x}}}",
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
            ]
        ),
    ])
    func otherKinds(_ yaml: String, _ expected: [String]) throws {
        #expect(try causes(yaml) == expected)
    }

    @Test(arguments: [
        ("web-1", NameRule.label, true), ("web.1", .label, false), ("web.1", .subdomain, true), ("-a", .subdomain, false),
        ("a..b", .subdomain, false), ("1a", .label1035, false), ("a1", .label1035, true), ("a/b", .pathSegment, false),
        ("system:node", .pathSegment, true), ("..", .pathSegment, false), (String(repeating: "a", count: 64), .label, false),
        (String(repeating: "a", count: 254), .subdomain, false), ("", .subdomain, false), ("A", .label, false),
    ])
    func names(_ name: String, _ rule: NameRule, _ isGood: Bool) {
        #expect(rule.problems(of: name).isEmpty == isGood)
    }

    @Test(arguments: [
        ("a", true), ("example.com/A_b.c", true), ("/a", false), ("a/b/c", false), ("Example.com/a", false), ("a/", false),
        ("a b", false), (String(repeating: "x", count: 64), false),
    ])
    func qualifiedNames(_ name: String, _ isGood: Bool) {
        #expect(Names.qualified(name).isEmpty == isGood)
    }

    @Test(arguments: [
        ("{containers: [{name: a}]}", "BestEffort"),
        ("{containers: [{name: a, resources: {requests: {cpu: 1}}}]}", "Burstable"),
        (
            "{containers: [{name: a, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1000m, memory: 1Gi}}}]}",
            "Guaranteed"
        ),
        (
            "{containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1, memory: 1Gi}}}, {name: b}]}",
            "Burstable"
        ),
    ])
    func qualityOfService(_ spec: String, _ expected: String) throws {
        #expect(QualityOfService.class(of: try parse(spec)) == expected)
    }

    @Test(arguments: [
        ("nginx", true), ("nginx:latest", true), ("nginx:1", false), ("host:5000/nginx", true), ("nginx@sha256:00", false),
        ("host:5000/nginx:1", false),
    ])
    func latestImages(_ image: String, _ isLatest: Bool) { #expect(PodDefaults.isLatest(image) == isLatest) }

    @Test func conversionsGoThereAndBack() throws {
        let v1 = try parse(
            "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 3, targetCPUUtilizationPercentage: 50}}"
        )
        let resource = try #require(
            Schema.builtin.resource(group: "autoscaling", version: "v1", plural: "horizontalpodautoscalers"))
        let stored = Conversion.toStored(v1, resource)
        #expect(stored.text("apiVersion") == "autoscaling/v2")
        #expect(stored[path: "spec", "metrics"]?[0]?[path: "resource", "target", "averageUtilization"] == 50)
        #expect(Conversion.fromStored(stored, resource)[path: "spec", "targetCPUUtilizationPercentage"] == 50)

        let event = try parse("{apiVersion: events.k8s.io/v1, kind: Event, note: hello, regarding: {name: x}}")
        let events = try #require(Schema.builtin.resource(group: "events.k8s.io", version: "v1", plural: "events"))
        let core = Conversion.toStored(event, events)
        #expect(core.text("message") == "hello" && core["involvedObject"]?.text("name") == "x")
        #expect(Conversion.fromStored(core, events) == event)
    }
}
