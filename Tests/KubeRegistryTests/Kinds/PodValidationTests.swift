import Testing

@testable import KubeRegistry

/// What upstream says of pods that are wrong, and of changes that a pod may not have.
@Suite struct PodValidationTests {
    private static let container = "containers: [{name: a, image: x}]"

    private static let good = [
        container,
        "securityContext: {runAsUser: 0, fsGroup: 5, sysctls: [{name: kernel.shm_rmid_forced, value: '1'}], seccompProfile: {type: RuntimeDefault}}, \(container)",
        "volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Gi}}, {name: w, configMap: {name: c, items: [{key: k, path: a/b}]}}], containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v}, {name: w, mountPath: /w, subPath: a}]}]",
        "affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {a: b}}}}]}}, \(container)",
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}], tolerations: [{operator: Exists}, {key: a, operator: Equal, value: b, effect: NoExecute, tolerationSeconds: 5}], \(container)",
        "hostNetwork: true, containers: [{name: a, image: x, ports: [{containerPort: 80}]}]",
        "initContainers: [{name: i, image: z, restartPolicy: Always, startupProbe: {exec: {command: [a]}}}], containers: [{name: a, image: x, lifecycle: {postStart: {sleep: {seconds: 1}}}, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]}]",
        "restartPolicy: Never, activeDeadlineSeconds: 5, subdomain: s, hostname: h, dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1]}, hostAliases: [{ip: 1.2.3.4, hostnames: [a.b]}], \(container)",
    ]

    @Test(arguments: good) func accepted(_ spec: String) throws {
        let causes = try Asked.create("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {\(spec)}}")
        #expect(causes == [])
    }

    private static let bad: [(String, [String])] = [
        (
            "securityContext: {runAsUser: -1}, \(container)",
            ["spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"]
        ),
        (
            "containers: [{name: a, image: x, securityContext: {privileged: true, allowPrivilegeEscalation: false}}]",
            [
                "spec.containers[0].securityContext: Invalid value: {\"allowPrivilegeEscalation\":false,\"privileged\":true}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            ]
        ),
        (
            "containers: [{name: a, image: x, livenessProbe: {successThreshold: 2, tcpSocket: {port: 80}}}]",
            ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"]
        ),
        (
            "containers: [{name: a, image: x, readinessProbe: {httpGet: {path: '', port: 0}}}]",
            [
                "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"
            ]
        ),
        (
            "containers: [{name: a, image: x, ports: [{containerPort: 80, hostPort: 80}]}, {name: b, image: x, ports: [{containerPort: 81, hostPort: 80}]}]",
            ["spec.containers[1].ports[0].hostPort: Duplicate value: \"TCP//80\""]
        ),
        (
            "hostNetwork: true, containers: [{name: a, image: x, ports: [{containerPort: 80, hostPort: 81}]}]",
            [
                "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"
            ]
        ),
        (
            "containers: [{name: a, image: x, env: [{name: 'A=B', value: c}]}]",
            [
                "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='"
            ]
        ),
        (
            "containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]}], volumes: [{name: v, emptyDir: {}}]",
            ["spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"]
        ),
        (
            "volumes: [{name: v, hostPath: {path: /a/../b}}], \(container)",
            ["spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"]
        ),
        (
            "topologySpreadConstraints: [{maxSkew: 0, topologyKey: '', whenUnsatisfiable: Perhaps}], \(container)",
            [
                "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
                "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
                "spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: \"Perhaps\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"",
            ]
        ),
        (
            "tolerations: [{key: a, operator: Exists, tolerationSeconds: 5}], \(container)",
            [
                "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set"
            ]
        ),
        (
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}, \(container)",
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"
            ]
        ),
        (
            "containers: [{name: a, image: x, resources: {limits: {example.com/gpu: '1.5'}}}]",
            [
                "spec.containers[0].resources.limits[example.com/gpu]: Invalid value: \"1500m\": must be an integer",
                "spec.containers[0].resources.requests[example.com/gpu]: Invalid value: \"1500m\": must be an integer",
            ]
        ),
        (
            "containers: [{name: a, image: x, resources: {requests: {gpu: '1'}}}]",
            [
                "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully qualified",
                "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a standard resource for containers",
            ]
        ),
        (
            "ephemeralContainers: [{name: e, image: x}], \(container)",
            ["spec.ephemeralContainers: Forbidden: cannot be set on create"]
        ),
        (
            "initContainers: [{name: i, image: z, readinessProbe: {exec: {command: [a]}}}], \(container)",
            ["spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"]
        ),
        (
            "dnsPolicy: None, \(container)",
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]
        ),
        (
            "activeDeadlineSeconds: 0, \(container)",
            ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]
        ),
    ]

    @Test(arguments: bad)
    func refused(_ spec: String, _ expected: [String]) throws {
        let causes = try Asked.create("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {\(spec)}}")
        #expect(causes == expected)
    }

    private static let running = """
        {apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {nodeName: n, containers: [{name: a, image: x, resources: {requests: {cpu: '1'}}}]}}
        """

    private static let forbidden: [(String, String, [String])] = [
        ("{spec: {containers: [{name: a, image: z, resources: {requests: {cpu: '1'}}}]}}", "", []),
        ("{spec: {activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 30}}", "", []),
        ("{metadata: {labels: {a: b}}}", "", []),
        (
            "{spec: {containers: [{name: a, image: x}, {name: b, image: z}]}}", "",
            ["spec.containers: Forbidden: pod updates may not add or remove containers"]
        ),
        (
            "{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: '2'}}}]}}", "resize", []
        ),
        (
            "{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: '2'}, limits: {cpu: '2'}}}]}}", "resize", []
        ),
        ("{spec: {ephemeralContainers: [{name: e, image: z, targetContainerName: a}]}}", "ephemeralcontainers", []),
        (
            "{spec: {ephemeralContainers: [{name: a, image: z}]}}", "ephemeralcontainers",
            ["spec.ephemeralContainers[0].name: Duplicate value: \"a\""]
        ),
    ]

    @Test(arguments: forbidden)
    func changes(_ patch: String, _ subresource: String, _ expected: [String]) throws {
        let causes = try Asked.update(Self.running, patch, subresource: subresource)
        #expect(causes == expected)
    }

    @Test func changesOfWhatIsFixed() throws {
        for patch in [
            "{spec: {hostname: h}}", "{spec: {nodeSelector: {a: b}}}",
            "{spec: {containers: [{name: a, image: x, command: [c]}]}}",
        ] {
            let causes = try Asked.update(Self.running, patch)
            let start = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            #expect(causes.count == 1 && causes.first?.hasPrefix(start) == true, "\(causes)")
        }
    }

    private static let warned: [(String, [String])] = [
        (
            "containers: [{name: a, image: x, env: [{name: A, value: a}, {name: A, value: b}]}]",
            ["spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply"]
        ),
        (
            "nodeSelector: {beta.kubernetes.io/os: linux}, \(container)",
            ["spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"]
        ),
        (container, []),
    ]

    @Test(arguments: warned)
    func warnings(_ spec: String, _ expected: [String]) throws {
        let causes = try Asked.warnings("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {\(spec)}}")
        #expect(causes == expected)
    }
}
