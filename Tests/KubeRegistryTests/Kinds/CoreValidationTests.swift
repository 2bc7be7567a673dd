import Testing

@testable import KubeRegistry

/// What upstream says of objects of the core group that are wrong.
@Suite struct CoreValidationTests {
    private static let port = "ports: [{port: 80}]"

    private static let refusals: [(String, [String])] = [
        // Services.
        ("{apiVersion: v1, kind: Service, spec: {\(port), selector: {a: b}}}", []),
        ("{apiVersion: v1, kind: Service, spec: {clusterIP: None, selector: {a: b}}}", []),
        ("{apiVersion: v1, kind: Service, spec: {type: ExternalName, externalName: a.b.}}", []),
        (
            "{apiVersion: v1, kind: Service, spec: {type: ExternalName}}",
            [
                "spec.externalName: Required value"
            ]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}, {port: 80}]}}",
            [
                "spec.ports[0].name: Required value", "spec.ports[1].name: Required value",
                "spec.ports[1]: Duplicate value: {\"AppProtocol\":null,\"Name\":\"\",\"NodePort\":0,\"Port\":80,\"Protocol\":\"TCP\",\"TargetPort\":0}",
            ]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {type: LoadBalancer, clusterIP: None, \(port)}}",
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {sessionAffinity: Sticky, \(port)}}",
            ["spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: \"ClientIP\", \"None\""]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {externalIPs: [127.0.0.1], \(port)}}",
            ["spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {externalTrafficPolicy: Local, \(port)}}",
            ["spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services"]
        ),
        (
            "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80, nodePort: 30000}]}}",
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]
        ),
        // ConfigMaps and secrets.
        ("{apiVersion: v1, kind: ConfigMap, data: {a: b}, binaryData: {c: AA==}}", []),
        (
            "{apiVersion: v1, kind: ConfigMap, data: {a: b}, binaryData: {a: AA==}}",
            ["data[a]: Invalid value: \"a\": duplicate of key present in binaryData"]
        ),
        (
            "{apiVersion: v1, kind: Secret, type: kubernetes.io/dockerconfigjson, data: {}}",
            ["data[.dockerconfigjson]: Required value"]
        ),
        (
            "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token}",
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]
        ),
        // Volumes.
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
            []
        ),
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {}}",
            [
                "spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value",
            ]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {accessModes: [RWO], resources: {requests: {storage: '0'}}}}",
            [
                "spec.accessModes: Unsupported value: \"RWO\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"",
                "spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
            ]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolume, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /a}}}",
            []
        ),
        (
            "{apiVersion: v1, kind: PersistentVolume, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}}}",
            ["spec: Required value: must specify a volume type"]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolume, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, local: {path: /a}}}",
            ["spec.nodeAffinity: Required value: Local volume requires node affinity"]
        ),
        // Quotas and ranges.
        ("{apiVersion: v1, kind: ResourceQuota, spec: {hard: {pods: '1', requests.cpu: '2', count/jobs.batch: '1'}}}", []),
        (
            "{apiVersion: v1, kind: ResourceQuota, spec: {hard: {pods: '0.5'}}}",
            ["spec.hard[pods]: Invalid value: \"500m\": must be an integer"]
        ),
        (
            "{apiVersion: v1, kind: LimitRange, spec: {limits: [{type: Container, max: {cpu: '1'}, default: {cpu: '2'}}]}}",
            [
                "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": default request value 2 is greater than max value 1",
                "spec.limits[0].default[cpu]: Invalid value: \"1\": default value 2 is greater than max value 1",
            ]
        ),
        (
            "{apiVersion: v1, kind: LimitRange, spec: {limits: [{type: Pod, default: {cpu: '1'}}]}}",
            ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]
        ),
        // The rest.
        (
            "{apiVersion: v1, kind: ReplicationController, spec: {replicas: -1, selector: {a: b}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: x}]}}}}",
            [
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`",
            ]
        ),
        (
            "{apiVersion: v1, kind: Endpoints, subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{port: 0}]}]}",
            [
                "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
                "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            ]
        ),
        (
            "{apiVersion: v1, kind: Event, metadata: {namespace: a}, involvedObject: {kind: Pod, namespace: b}}",
            [
                "involvedObject.namespace: Invalid value: \"b\": does not match event.namespace"
            ]
        ),
        ("{apiVersion: v1, kind: Node, spec: {podCIDR: 10.0.0.0/8, podCIDRs: [10.0.0.0/8]}}", []),
        (
            "{apiVersion: v1, kind: Node, spec: {taints: [{key: a, effect: Never}]}}",
            [
                "metadata.taints[0].effect: Unsupported value: \"Never\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\""
            ]
        ),
        (
            "{apiVersion: v1, kind: PodTemplate, template: {spec: {}}}", ["template.spec.containers: Required value"]
        ),
    ]

    @Test(arguments: refusals)
    func creations(_ yaml: String, _ expected: [String]) throws {
        let causes = try Asked.create(yaml)
        #expect(causes == expected)
    }

    private static let forbidden: [(String, String, [String])] = [
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, immutable: true, data: {a: b}}", "{data: {a: c}}",
            ["data: Forbidden: field is immutable when `immutable` is set"]
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, immutable: true}", "{immutable: null}",
            ["immutable: Forbidden: field is immutable when `immutable` is set"]
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: x}, type: a}", "{type: b}",
            ["type: Invalid value: \"b\": field is immutable"]
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, \(port)}}",
            "{spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]}}",
            ["spec.clusterIPs[0]: Invalid value: [\"10.96.0.10\"]: may not change once set"]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], volumeName: v, resources: {requests: {storage: 2Gi}}}, status: {phase: Bound, capacity: {storage: 2Gi}}}",
            "{spec: {resources: {requests: {storage: 1Gi}}}}",
            ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]
        ),
        (
            "{apiVersion: v1, kind: PersistentVolume, metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /a}, volumeMode: Filesystem}}",
            "{spec: {volumeMode: Block}}",
            ["volumeMode: Invalid value: \"Block\": field is immutable"]
        ),
        (
            "{apiVersion: v1, kind: ResourceQuota, metadata: {name: x}, spec: {hard: {pods: '1'}, scopes: [BestEffort]}}",
            "{spec: {scopes: [NotBestEffort]}}",
            ["spec.scopes: Invalid value: [\"NotBestEffort\"]: field is immutable"]
        ),
        (
            "{apiVersion: v1, kind: Node, metadata: {name: x}, spec: {podCIDR: 10.0.0.0/24, podCIDRs: [10.0.0.0/24]}}",
            "{spec: {podCIDR: 10.0.1.0/24, podCIDRs: [10.0.1.0/24]}}",
            ["spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid"]
        ),
        // A range of services may get its second family, and nothing else.
        ("\(range) {cidrs: [10.0.0.0/24]}}", "{spec: {cidrs: [10.0.0.0/24, 'fd00::/112']}}", []),
        (
            "\(range) {cidrs: [10.0.0.0/24]}}", "{spec: {cidrs: [10.1.0.0/24, 'fd00::/112']}}",
            ["spec.cidrs[0]: Invalid value: \"10.1.0.0/24\": field is immutable"]
        ),
        (
            "\(range) {cidrs: [10.0.0.0/24]}}", "{spec: {cidrs: [10.1.0.0/24]}}",
            ["spec.cidrs[0]: Invalid value: \"10.1.0.0/24\": field is immutable"]
        ),
        (
            "\(range) {cidrs: [10.0.0.0/24]}}", "{spec: {cidrs: [10.0.0.0/24, 10.1.0.0/24]}}",
            [
                "spec.cidrs: Invalid value: {\"CIDRs\":[\"10.0.0.0/24\",\"10.1.0.0/24\"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            ]
        ),
        (
            "\(range) {cidrs: [10.0.0.0/24, 'fd00::/112']}}", "{spec: {cidrs: [10.0.0.0/24]}}",
            ["spec.cidrs: Invalid value: [\"10.0.0.0/24\"]: field is immutable"]
        ),
    ]

    private static let range = "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: x}, spec:"

    @Test(arguments: forbidden)
    func changes(_ yaml: String, _ patch: String, _ expected: [String]) throws {
        let causes = try Asked.update(yaml, patch)
        #expect(causes == expected)
    }
}
