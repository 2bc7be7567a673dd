import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

private struct Tokens: TokenIssuer {
    func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken {
        IssuedToken(
            token: "\(claims.namespace)/\(claims.serviceAccount)", expirationTimestamp: "2030-01-01T00:00:00Z",
            audiences: claims.audiences.isEmpty ? ["api"] : claims.audiences)
    }
}

@Suite struct SubresourceTests {
    @Test func aPodIsBoundOnce() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("one"))
            let pods = try fixture.resource("pods")
            let binding: JSON = ["metadata": ["name": "one"], "target": ["kind": "Node", "name": "here"]]
            let result = try await fixture.registry.create(
                binding, pods, namespace: "default", name: "one", subresource: "binding", CreateOptions(), fixture.admin)
            // Upstream: a pod that is bound is still at 1.
            #expect(try fixture.get("pods", "one")[path: "metadata", "generation"] == 1)
            #expect(result.code == 201)
            #expect(try fixture.get("pods", "one")[path: "spec", "nodeName"] == "here")
            let again = await refusal {
                try await fixture.registry.create(
                    binding, pods, namespace: "default", name: "one", subresource: "binding", CreateOptions(), fixture.admin)
            }
            #expect(again?.code == 409)
        }
    }

    /// As upstream's strategies, which reset what isn't theirs and leave metadata alone.
    @Test(arguments: ["approval", "status"]) func metadataMayChangeWithACertificateRequestsParts(_ part: String) async throws {
        try await withRegistry { fixture in
            let requests = try fixture.resource("certificatesigningrequests", "certificates.k8s.io")
            let old: JSON = [
                "metadata": ["name": "one", "uid": "u"], "spec": ["request": "x"], "status": [:],
            ]
            var new = old
            new[path: "metadata", "annotations"] = ["a": "b"]
            new[path: "spec", "request"] = "other"
            new[path: "status", "conditions"] = [["type": "Approved"]]
            let changed = UpdatedFields.carryOver(
                new, old: old, requests, subresource: part, CertificateSigningRequestRules())
            #expect(changed[path: "metadata", "annotations"] == ["a": "b"])
            #expect(changed["spec"] == old["spec"])
            #expect(changed[path: "status", "conditions"] == new[path: "status", "conditions"])
        }
    }

    @Test func anEvictionKeepsTheBudget() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("one", extra: ", nodeName: here"))
            let pods = try fixture.resource("pods")
            try await fixture.registry.mutate(pods, namespace: "default", name: "one", subresource: "status", fixture.admin) {
                $0[path: "status", "phase"] = "Running"
            }
            try await fixture.create(
                "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: keep}, spec: {minAvailable: 1, selector: {matchLabels: {app: one}}}}"
            )
            let eviction: JSON = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "one"]]
            func evict() async throws -> WriteResult {
                try await fixture.registry.create(
                    eviction, pods, namespace: "default", name: "one", subresource: "eviction", CreateOptions(), fixture.admin)
            }
            let early = await refusal { try await evict() }
            #expect(early?.code == 429)
            #expect(early?.message == "Cannot evict pod as it would violate the pod's disruption budget.")
            #expect(early?.details?["retryAfterSeconds"] == 10)
            #expect(
                early?.details?["causes"]?[0]?["message"] == "The disruption budget keep is still being processed by the server.")
            func budget(_ status: JSON) async throws {
                try await fixture.registry.mutate(
                    try fixture.resource("poddisruptionbudgets", "policy"), namespace: "default", name: "keep",
                    subresource: "status", fixture.admin
                ) { $0["status"] = status }
            }
            try await budget(["observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1, "currentHealthy": 0])
            let refused = await refusal { try await evict() }
            #expect(refused?.code == 429)
            #expect(refused?.details?["retryAfterSeconds"] == nil)
            #expect(refused?.details?["causes"]?[0]?["reason"] == "DisruptionBudget")
            #expect(
                refused?.details?["causes"]?[0]?["message"]
                    == "The disruption budget keep needs 1 healthy pods and has 0 currently")
            let misnamed = await refusal {
                try await fixture.registry.create(
                    ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "two"]], pods, namespace: "default",
                    name: "one", subresource: "eviction", CreateOptions(), fixture.admin)
            }
            #expect(misnamed?.message == "name in URL does not match name in Eviction object")
            try await budget(["observedGeneration": 1, "disruptionsAllowed": 1, "desiredHealthy": 1, "currentHealthy": 0])
            #expect(try await evict().code == 201)
            let conditions = try fixture.get("pods", "one")[path: "status", "conditions"]?.elements ?? []
            #expect(conditions.first { $0.text("type") == "DisruptionTarget" }?["reason"] == "EvictionByEvictionAPI")
            #expect(
                try fixture.get("poddisruptionbudgets", "keep", group: "policy")[path: "status", "disruptedPods"]?.object?.count
                    == 1)
            #expect(try fixture.get("pods", "one")["metadata"]?.has("deletionTimestamp") == true)
        }
    }

    @Test(arguments: [
        (true, "", 1, 1, true), (false, "AlwaysAllow", 0, 1, false), (false, "", 1, 1, false), (false, "", 0, 1, true),
        (false, "IfHealthyBudget", 2, 1, false), (false, "", 0, 0, true),
    ])
    func unhealthyPodsMayGo(isReady: Bool, policy: String, healthy: Int64, desired: Int64, isCounted: Bool) {
        let pod: JSON = ["status": ["conditions": [["type": "Ready", "status": isReady ? "True" : "False"]]]]
        let budget: JSON = [
            "spec": ["unhealthyPodEvictionPolicy": .string(policy)],
            "status": ["currentHealthy": .int(healthy), "desiredHealthy": .int(desired)],
        ]
        #expect(EvictionBudget.isCounted(pod, budget) == isCounted)
    }

    @Test func ephemeralContainersAreOnlyAdded() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("one"))
            let pods = try fixture.resource("pods")
            func set(_ containers: JSON) async throws {
                _ = try await fixture.registry.patch(
                    .merge, ["spec": ["ephemeralContainers": containers]], pods, namespace: "default", name: "one",
                    subresource: "ephemeralcontainers", PatchOptions(), fixture.admin)
            }
            let target = try #require(try fixture.get("pods", "one")[path: "spec", "containers"]?[0]?.text("name"))
            let first: JSON = ["name": "look", "image": "box", "targetContainerName": .string(target)]
            try await set([first])
            #expect(try fixture.get("pods", "one")[path: "spec", "ephemeralContainers"]?[0]?["imagePullPolicy"] == "Always")
            for (containers, message) in [
                ([], "existing ephemeral containers \"look\" may not be removed"),
                ([["name": "look", "image": "other"]], "existing ephemeral containers \"look\" may not be changed"),
                (
                    [first, ["name": "b", "image": "i", "targetContainerName": "nobody"]],
                    "spec.ephemeralContainers[1].targetContainerName: Not found"
                ),
                (
                    [first, ["name": "b", "image": "i", "ports": [["containerPort": 1]]]],
                    "spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container"
                ),
            ] as [(JSON, String)] {
                let refused = await refusal { try await set(containers) }
                #expect(refused?.message.contains(message) == true, "\(refused?.message ?? "allowed")")
            }
        }
    }

    @Test func aResizeKeepsTheClassOfService() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: main, image: box, resources:
                {requests: {cpu: 100m, memory: 10Mi}, limits: {memory: 20Mi}}}]}}
                """)
            let pods = try fixture.resource("pods")
            func resize(_ resources: JSON) async throws {
                _ = try await fixture.registry.patch(
                    .strategicMerge, ["spec": ["containers": [["name": "main", "resources": resources]]]], pods,
                    namespace: "default",
                    name: "one", subresource: "resize", PatchOptions(), fixture.admin)
            }
            try await resize(["requests": ["cpu": "200m"]])
            #expect(
                try fixture.get("pods", "one")[path: "spec", "containers"]?[0]?[path: "resources", "requests", "cpu"] == "200m")
            #expect(try fixture.get("pods", "one")[path: "metadata", "generation"] == 2)
            for (resources, message) in [
                (
                    ["limits": ["cpu": "200m"], "requests": ["memory": "20Mi"]],
                    "Pod QOS Class may not change as a result of resizing"
                ),
                (["requests": ["ephemeral-storage": "1Gi"]], "only cpu and memory resources are mutable"),
                (["requests": ["cpu": .null]], "resource requests cannot be removed"),
            ] as [(JSON, String)] {
                let refused = await refusal { try await resize(resources) }
                #expect(refused?.message.contains(message) == true, "\(refused?.message ?? "allowed")")
            }
        }
    }

    @Test func aPodAsAWholeIsResizedToo() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {resources: {requests: {cpu: 100m}, limits: {cpu: 200m}},
                containers: [{name: main, image: box}]}}
                """)
            let pods = try fixture.resource("pods")
            func resize(_ resources: JSON) async throws {
                _ = try await fixture.registry.patch(
                    .strategicMerge, ["spec": ["resources": resources]], pods, namespace: "default", name: "one",
                    subresource: "resize", PatchOptions(), fixture.admin)
            }
            try await resize(["requests": ["cpu": "150m"], "limits": ["cpu": "1", "memory": "64Mi"]])
            let spec = try fixture.get("pods", "one")[path: "spec", "resources"]
            #expect(spec?["requests"]?["cpu"] == "150m")
            #expect(spec?["limits"] == ["cpu": "1", "memory": "64Mi"])
            for (resources, message) in [
                (.null, "spec.resources: Forbidden: pod-level resources cannot be removed"),
                (
                    ["limits": ["cpu": .null]], "spec.resources.limits: Forbidden: pod-level resource limits cannot be removed"
                ),
                (
                    ["requests": ["hugepages-2Mi": "2Mi"], "limits": ["hugepages-2Mi": "2Mi"]],
                    "only cpu and memory resources are mutable at pod-level"
                ),
            ] as [(JSON, String)] {
                let refused = await refusal { try await resize(resources) }
                #expect(refused?.message.contains(message) == true, "\(refused?.message ?? "allowed")")
            }
        }
    }

    @Test func anOldAnnotationBecomesAProfileOfAppArmor() async throws {
        try await withRegistry { fixture in
            func made(_ name: String, _ annotation: String, _ context: String = "{}", _ ofPod: String = "{}") async throws -> (
                JSON?, [String]
            ) {
                let tree = try parse(
                    """
                    {apiVersion: v1, kind: Pod, metadata: {name: \(name), annotations: {container.apparmor.security.beta.kubernetes.io/main: \(annotation)}},
                    spec: {securityContext: \(ofPod), containers: [{name: main, image: box, securityContext: \(context)}]}}
                    """)
                let result = try await fixture.registry.create(
                    tree, try fixture.resource("pods"), namespace: "default", CreateOptions(), fixture.admin)
                return (
                    result.answer.tree[path: "spec", "containers"]?[0]?[path: "securityContext", "appArmorProfile"],
                    result.warnings
                )
            }
            let warning =
                #"metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]: deprecated since v1.30; use the "appArmorProfile" field instead"#
            let local = try await made("a", "localhost/tight")
            #expect(local.0 == ["type": "Localhost", "localhostProfile": "tight"])
            #expect(local.1 == [warning])
            let standard = try await made("b", "runtime/default")
            #expect(standard.0 == ["type": "RuntimeDefault"])
            let both = try await made("c", "unconfined", "{appArmorProfile: {type: Unconfined}}")
            #expect(both.0 == ["type": "Unconfined"])
            #expect(both.1 == [])
            let ofPod = try await made("d", "runtime/default", "{}", "{appArmorProfile: {type: RuntimeDefault}}")
            #expect(ofPod.0 == nil)
            #expect(ofPod.1 == [])
            let other = try await made("e", "unconfined", "{}", "{appArmorProfile: {type: RuntimeDefault}}")
            #expect(other.0 == ["type": "Unconfined"])
            #expect(other.1 == [warning])
        }
    }

    @Test func aResizeAsksForNoMoreThanTheNodeHas() async throws {
        try await withRegistry { fixture in
            for (name, system) in [("small", "linux"), ("other", "windows")] {
                try await fixture.create(
                    """
                    {apiVersion: v1, kind: Node, metadata: {name: \(name), labels: {kubernetes.io/os: \(system)}},
                    status: {allocatable: {cpu: "2", memory: 1Mi}}}
                    """, namespace: "")
            }
            for (name, node) in [
                ("bound", "nodeName: small, "), ("free", ""), ("lost", "nodeName: gone, "), ("foreign", "nodeName: other, "),
            ] {
                try await fixture.create(
                    """
                    {apiVersion: v1, kind: Pod, metadata: {name: \(name)}, spec: {\(node)containers: [{name: main, image: box, resources:
                    {requests: {cpu: 100m, memory: "1"}}}]}}
                    """)
            }
            let pods = try fixture.resource("pods")
            func refused(_ name: String, _ requests: JSON) async -> StatusError? {
                await refusal {
                    _ = try await fixture.registry.patch(
                        .strategicMerge, ["spec": ["containers": [["name": "main", "resources": ["requests": requests]]]]], pods,
                        namespace: "default", name: name, subresource: "resize", PatchOptions(), fixture.admin)
                }
            }
            let both = await refused("bound", ["cpu": "2001m", "memory": "2Mi"])
            #expect(both?.code == 403)
            #expect(
                both?.message
                    == "pods \"bound\" is forbidden: Node didn't have enough allocatable resources: cpu, requested: 2001, allocatable: 2000; memory, requested: 2097152, allocatable: 1048576"
            )
            #expect(both?.details?["causes"] == [["reason": "NodeCapacity"]])
            #expect(await refused("bound", ["cpu": "2"]) == nil)
            #expect(await refused("free", ["cpu": "3"]) == nil)
            #expect(await refused("lost", ["cpu": "1"])?.message == "pods \"lost\" is forbidden: node \"gone\" not found")
            #expect(
                await refused("foreign", ["cpu": "1"])?.message
                    == "pods \"foreign\" is forbidden: pod resize is only supported on linux nodes, node \"other\" is \"windows\""
            )
        }
    }

    /// Source: upstream's pod_resize.go, "reorder containers" and "rename containers".
    @Test func resizesKeepContainersAndTheirOrder() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                "{apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: a, image: x}, {name: b, image: x}], initContainers: [{name: c, image: x}]}}"
            )
            let pods = try fixture.resource("pods")
            let stored = try fixture.get("pods", "one")
            let containers = stored[path: "spec", "containers"]?.elements ?? []
            func refused(_ key: String, _ list: [JSON]) async -> String? {
                var tree = stored
                tree[path: "spec", key] = .array(list)
                let wanted = tree
                return await refusal {
                    _ = try await fixture.registry.update(
                        wanted, pods, namespace: "default", name: "one", subresource: "resize", UpdateOptions(), fixture.admin)
                }?.message
            }
            let reordered = await refused("containers", containers.reversed())
            #expect(
                reordered?.hasSuffix(
                    "[spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize, spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize]"
                ) == true, "\(reordered ?? "allowed")")
            let removed = await refused("containers", [containers[0]])
            #expect(
                removed?.hasSuffix("spec.containers: Forbidden: containers may not be added or removed on resize") == true,
                "\(removed ?? "allowed")")
            let without = await refused("initContainers", [])
            #expect(
                without?.hasSuffix("spec.initContainers: Forbidden: initContainers may not be added or removed on resize")
                    == true,
                "\(without ?? "allowed")")
            #expect(await refused("containers", containers) == nil)
        }
    }

    @Test func tokensAreIssued() async throws {
        try await withRegistry { fixture in
            let accounts = try fixture.resource("serviceaccounts")
            func request(_ spec: JSON) async throws -> JSON {
                try await fixture.registry.create(
                    ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec], accounts,
                    namespace: "default", name: "default", subresource: "token", CreateOptions(), fixture.admin
                ).answer.tree
            }
            #expect(await refusal { try await request([:]) }?.code == 503)
            fixture.registry.attach(tokenIssuer: Tokens())
            let answer = try await request(["expirationSeconds": 7200])
            #expect(answer[path: "status", "token"] == "default/default")
            #expect(answer[path: "spec", "expirationSeconds"] == 7200)
            #expect(await refusal { try await request(["expirationSeconds": 5]) }?.code == 422)
        }
    }
}
