import Testing

@testable import KubeRegistry

/// What upstream says of wrong objects of the remaining groups.
@Suite struct OtherValidationTests {
    private static let backend = "backend: {service: {name: s, port: {number: 80}}}"
    private static let webhook =
        "name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://a/b'}"
    private static let rules = "resourceRules: [{operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [pods]}]"
    private static let policy = "matchConstraints: {\(rules)}"

    private static let refusals: [(String, [String])] = [
        // Networking.
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, \(backend)}]}}]}}",
            []
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {}}",
            ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{http: {paths: [{path: a, pathType: Exact, backend: {service: {name: s, port: {}}}}]}}]}}",
            [
                "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path",
                "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
            ]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {ingress: [{ports: [{port: 80, endPort: 70}], from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}}",
            [
                "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
                "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`",
            ]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: IngressClass, spec: {}}", ["spec.controller: Required value"]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: x}, spec: {cidrs: [10.0.0.0/24, 10.1.0.0/24]}}",
            [
                "spec.cidrs: Invalid value: {\"CIDRs\":[\"10.0.0.0/24\",\"10.1.0.0/24\"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            ]
        ),
        (
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: []}]}",
            ["endpoints[0].addresses: Required value: must contain at least 1 address"]
        ),
        (
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: [127.0.0.1]}, {addresses: [169.254.169.254]}]}",
            [
                "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
                "endpoints[1].addresses[0]: Invalid value: \"169.254.169.254\": may not be in the link-local range (169.254.0.0/16, fe80::/10)",
            ]
        ),
        // Access.
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: [''], resources: [pods]}]}",
            ["rules[0].verbs: Required value: verbs must contain at least one value"]
        ),
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Group, name: a}}",
            [
                "roleRef.kind: Unsupported value: \"Group\": supported values: \"Role\", \"ClusterRole\""
            ]
        ),
        // Storage, scheduling, nodes.
        ("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: x}, provisioner: a/b}", []),
        (
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: x}}",
            ["provisioner: Required value"]
        ),
        (
            "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: x}, value: 2000000000}",
            [
                "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"
            ]
        ),
        ("{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: x}, handler: h}", []),
        (
            "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {leaseDurationSeconds: 0}}",
            ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]
        ),
        // Webhooks and policies.
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, webhooks: [{\(webhook)}]}", []
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [{\(webhook), timeoutSeconds: 60, matchConditions: [{name: a, expression: 'object.x ==='}]}]}",
            [
                "webhooks[0].timeoutSeconds: Invalid value: 60: the timeout value must be between 1 and 30 seconds",
                "webhooks[0].matchConditions[0].expression: Invalid value: \"object.x ===\": compilation failed",
            ]
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: x}, spec: {\(policy), validations: [{expression: 'object.spec.replicas <= 5'}]}}",
            []
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: x}, spec: {}}",
            [
                "spec.matchConstraints: Required value",
                "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
                "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
            ]
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: x}, spec: {\(policy), validations: [{expression: 'params.x > 1'}]}}",
            [
                "spec.validations[0].expression: Invalid value: \"params.x > 1\": compilation failed: undeclared reference to 'params' (in container '')"
            ]
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: x}, spec: {policyName: p, paramRef: {}, validationActions: [Deny, Deny]}}",
            [
                "spec.paramRef: Required value: one of name or selector must be specified",
                "spec.paramRef.parameterNotFoundAction: Required value",
                "spec.validationActions[1]: Duplicate value: \"Deny\"",
            ]
        ),
        (
            "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: x}, spec: {\(policy), reinvocationPolicy: Never, mutations: [{patchType: JSONPatch}]}}",
            [
                "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch"
            ]
        ),
        // Groups of the server's own.
        (
            "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.a.b}, spec: {group: a.b, version: v1, groupPriorityMinimum: 1, versionPriority: 1, service: {name: s, namespace: n}}}",
            []
        ),
        (
            "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: x}, spec: {group: a.b, version: v1, groupPriorityMinimum: 0, versionPriority: 1}}",
            [
                "metadata.name: Invalid value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.a.b\"",
                "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            ]
        ),
        (
            "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema, metadata: {name: x}, spec: {priorityLevelConfiguration: {name: p}, matchingPrecedence: 1, rules: [{subjects: [{kind: User, user: {name: '*'}}]}]}}",
            [
                "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
                "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
            ]
        ),
        (
            "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, metadata: {name: x}, spec: {type: Limited}}",
            ["spec.limited: Required value: must not be empty when type is Limited"]
        ),
        (
            "{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: x}, spec: {request: '', signerName: a}}",
            [
                "spec.request: Invalid value: \"\": PEM block type must be CERTIFICATE REQUEST",
                "spec.usages: Required value",
                "spec.signerName: Invalid value: \"a\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
            ]
        ),
        // Devices.
        (
            "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: x}, spec: {devices: {requests: [{name: a, exactly: {deviceClassName: c, selectors: [{cel: {expression: 'device.driver == \"d\"'}}]}}]}}}",
            []
        ),
        (
            "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: x}, spec: {devices: {requests: [{name: a}, {name: a, exactly: {}}]}}}",
            [
                "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                "spec.devices.requests[1].exactly.deviceClassName: Required value",
                "spec.devices.requests[1].name: Duplicate value: \"a\"",
            ]
        ),
        (
            "{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {name: x}, spec: {driver: d, pool: {name: p, resourceSliceCount: 0}}}",
            [
                "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
            ]
        ),
    ]

    @Test(arguments: refusals)
    func creations(_ yaml: String, _ expected: [String]) throws {
        let causes = try Asked.create(yaml)
        // What a compiler says is its own.
        let shown = causes.map { cause in
            cause.contains("undeclared")
                ? cause : cause.firstRange(of: "compilation failed").map { String(cause[..<$0.upperBound]) } ?? cause
        }
        #expect(shown == expected)
    }

    private static let forbidden: [(String, String, [String])] = [
        (
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}}",
            "{roleRef: {name: b}}",
            [
                "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"b\"}: cannot change roleRef"
            ]
        ),
        (
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: x}, provisioner: a/b}",
            "{reclaimPolicy: Retain}", ["reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden."]
        ),
        (
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: x}, provisioner: a/b}",
            "{parameters: {a: b}}", ["parameters: Forbidden: updates to parameters are forbidden."]
        ),
        (
            "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: x}, value: 5}", "{value: 6}",
            ["value: Forbidden: may not be changed in an update."]
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: x}, spec: {controller: a/b}}",
            "{spec: {controller: a/c}}", ["spec.controller: Invalid value: \"a/c\": field is immutable"]
        ),
        (
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x}, addressType: IPv4, endpoints: []}",
            "{addressType: FQDN}", ["addressType: Invalid value: \"FQDN\": field is immutable"]
        ),
        (
            "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: x}, handler: h}", "{handler: i}",
            ["handler: Invalid value: \"i\": field is immutable"]
        ),
        (
            "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: x}, spec: {devices: {}}}",
            "{spec: {devices: {requests: [{name: a, exactly: {deviceClassName: c}}]}}}",
            [
                "spec: Invalid value: {\"devices\":{\"requests\":[{\"exactly\":{\"allocationMode\":\"ExactCount\",\"count\":1,\"deviceClassName\":\"c\"},\"name\":\"a\"}]}}: field is immutable"
            ]
        ),
    ]

    @Test(arguments: forbidden)
    func changes(_ yaml: String, _ patch: String, _ expected: [String]) throws {
        let causes = try Asked.update(yaml, patch)
        #expect(causes == expected)
    }
}
