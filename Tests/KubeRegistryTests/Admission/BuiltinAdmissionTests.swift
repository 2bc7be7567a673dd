import KubeObject
import KubeSchema
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct BuiltinAdmissionTests {
    private func request(organization: String) -> String {
        // A subject's organization as DER has it, between other bytes.
        let name = Array(organization.utf8)
        return block([0x30, 0x0B, 0x06, 0x03, 0x55, 0x04, 0x0A, 0x0C, UInt8(name.count)] + name + [0x30, 0x00])
    }

    private func block(_ der: [UInt8]) -> String {
        "-----BEGIN CERTIFICATE REQUEST-----\n\(Base64.encode(der))\n-----END CERTIFICATE REQUEST-----\n"
    }

    @Test func `organizations are found in a certificate's request`() {
        #expect(SubjectOrganizations.of(pem: Array(request(organization: "system:masters").utf8)) == ["system:masters"])
        #expect(SubjectOrganizations.of(pem: Array(request(organization: "developers").utf8)) == ["developers"])
        #expect(SubjectOrganizations.of(pem: [1, 2, 3]) == [])
        let long: [UInt8] = [0x06, 0x03, 0x55, 0x04, 0x0A, 0x0C, 0x81, 14] + Array("system:masters".utf8)
        #expect(SubjectOrganizations.of(pem: Array(block(long).utf8)) == ["system:masters"])
        // What stands before the block is no part of it.
        let surrounded = "A request\n\n" + request(organization: "system:masters") + "and its end\n"
        #expect(SubjectOrganizations.of(pem: Array(surrounded.utf8)) == ["system:masters"])
    }

    @Test func `a node comes with a taint`() async throws {
        try await withRegistry { fixture in
            let node = "{apiVersion: v1, kind: Node, metadata: {name: NAME}, spec: {taints: TAINTS}}"
            for (name, taints) in [
                ("a", "[]"), ("b", "[{key: x, effect: NoSchedule}]"),
                ("c", "[{key: node.kubernetes.io/not-ready, effect: NoSchedule}]"),
            ] {
                let made = try await fixture.create(
                    node.replacing("NAME", with: name).replacing("TAINTS", with: taints), namespace: "")
                let keys = made[path: "spec", "taints"]?.elements.map { $0["key"]?.string ?? "" }
                #expect(keys == (name == "b" ? ["x"] : []) + ["node.kubernetes.io/not-ready"])
            }
        }
    }

    @Test(
        arguments: [
            (["key": "a", "operator": "Exists"], ["key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"], true),
            (["operator": "Exists"], ["key": "a", "operator": "Equal", "value": "b"], true),
            (
                ["key": "a", "operator": "Equal", "value": "b"],
                ["key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute"], true
            ),
            (["key": "a", "value": "b"], ["key": "a", "operator": "Equal", "value": "c"], false),
            (["key": "a", "operator": "Exists", "effect": "NoSchedule"], ["key": "a", "operator": "Exists"], false),
            (["key": "a", "operator": "Exists"], ["key": "b", "operator": "Exists"], false),
            (
                ["key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5],
                ["key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3], true
            ),
            (
                ["key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5],
                ["key": "a", "operator": "Exists", "effect": "NoExecute"], false
            ),
        ] as [(JSON, JSON, Bool)])
    func `one toleration covers another`(_ wide: JSON, _ narrow: JSON, _ expected: Bool) {
        #expect(PodTolerationRestriction.covers(wide, narrow) == expected)
        let isNarrower = PodTolerationRestriction.covers(narrow, wide)
        let left = expected ? [wide] : isNarrower ? [narrow] : nil
        #expect(PodTolerationRestriction.merged([wide], [narrow]) == left ?? [wide, narrow])
        #expect(PodTolerationRestriction.merged([narrow], [wide]) == left ?? [narrow, wide])
    }

    @Test func `a namespace says which tolerations its pods get and may have`() async throws {
        try await withRegistry { fixture in
            let prefix = "scheduler.alpha.kubernetes.io"
            try await fixture.create(
                """
                apiVersion: v1
                kind: Namespace
                metadata:
                  name: strict
                  annotations:
                    \(prefix)/defaultTolerations: '[{"key": "gpu", "operator": "Exists"}]'
                    \(prefix)/tolerationsWhitelist: >-
                      [{"key": "gpu", "operator": "Exists"}, {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                      {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]
                """, namespace: "")
            try await fixture.create("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}", namespace: "strict")
            func pod(_ name: String, _ more: String) async throws -> [String] {
                let made = try await fixture.create(
                    "{apiVersion: v1, kind: Pod, metadata: {name: \(name)}, spec: {containers: [{name: a, image: b}]\(more)}}",
                    namespace: "strict")
                return made[path: "spec", "tolerations"]?.elements.map { $0["key"]?.string ?? "" } ?? []
            }
            let usual = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
            #expect(try await pod("plain", "") == ["gpu"] + usual)
            #expect(
                try await pod("large", ", resources: {requests: {cpu: 1}}") == ["gpu", "node.kubernetes.io/memory-pressure"]
                    + usual)
            let error = await refusal { _ = try await pod("greedy", ", tolerations: [{operator: Exists}]") }
            #expect(error?.code == 500)
            #expect(
                error?.message
                    == "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist"
            )
            let many = (0..<501).map { "{key: k\($0), operator: Exists}" }.joined(separator: ", ")
            #expect(
                await refusal { _ = try await pod("many", ", tolerations: [\(many)]") }?.message.contains("more than 500") == true
            )
        }
    }

    @Test func `a second default priority class is refused`() async throws {
        try await withRegistry { fixture in
            let yaml =
                "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: NAME}, value: 5, globalDefault: true}"
            try await fixture.create(yaml.replacing("NAME", with: "a"), namespace: "")
            let error = await refusal { try await fixture.create(yaml.replacing("NAME", with: "b"), namespace: "") }
            #expect(error?.message.contains("PriorityClass a is already marked as default") == true)
        }
    }

    @Test func `claims and ingresses get the default class`() async throws {
        try await withRegistry { fixture in
            let claim = """
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: NAME}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
                """
            let early = try await fixture.create(claim.replacing("NAME", with: "early"))
            #expect(early[path: "spec", "storageClassName"] == "local-path")
            #expect(early[path: "metadata", "finalizers"] == ["kubernetes.io/pvc-protection"])
            for (name, isDefault) in [("a", "true"), ("b", "false")] {
                try await fixture.create(
                    """
                    apiVersion: storage.k8s.io/v1
                    kind: StorageClass
                    metadata: {name: \(name), annotations: {storageclass.kubernetes.io/is-default-class: "\(isDefault)"}}
                    provisioner: example.com/disk
                    """, namespace: "")
            }
            try await fixture.create(
                """
                apiVersion: networking.k8s.io/v1
                kind: IngressClass
                metadata: {name: edge, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
                spec: {controller: example.com/edge}
                """, namespace: "")
            #expect(try await fixture.create(claim.replacing("NAME", with: "late"))[path: "spec", "storageClassName"] == "a")
            let ingress = try await fixture.create(
                """
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata: {name: i}
                spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
                """)
            #expect(ingress[path: "spec", "ingressClassName"] == "edge")
            let claims = try fixture.resource("persistentvolumeclaims")
            try await fixture.registry.mutate(claims, namespace: "default", name: "late", subresource: "status", fixture.admin) {
                $0["status"] = ["phase": "Bound"]
            }
            let bigger = await refusal {
                try await fixture.registry.patch(
                    .merge, ["spec": ["resources": ["requests": ["storage": "2Gi"]]]],
                    claims,
                    namespace: "default", name: "late", fixture.admin)
            }
            #expect(bigger?.code == 403)
            #expect(bigger?.message.contains("only dynamically provisioned pvc can be resized") == true)
        }
    }

    @Test func `approving needs a right for the signer`() async throws {
        try await withRegistry { fixture in
            let csrs = try fixture.resource("certificatesigningrequests", "certificates.k8s.io")
            let jane = RequestContext(cluster: fixture.cluster, user: UserInfo(name: "jane", groups: ["system:authenticated"]))
            func review(_ verb: String, _ subresource: String, _ signer: String, _ context: RequestContext) async -> StatusError?
            {
                let tree: JSON = [
                    "metadata": ["name": "c"], "spec": ["signerName": .string(signer)], "status": ["certificate": "new"],
                ]
                return await refusal {
                    let old = try Object(
                        ["metadata": ["name": "c"], "spec": ["signerName": .string(signer)]], resourceVersion: 1)
                    var request = AdmissionRequest(
                        operation: .update, resource: csrs, subresource: subresource, namespace: "", name: "c", object: tree,
                        old: old,
                        isDryRun: false, context: context, snapshot: fixture.cluster.snapshot, registry: fixture.registry)
                    try await CertificateAdmission().validate(&request)
                }
            }
            let signer = "example.com/mine"
            #expect(
                await review("approve", "approval", signer, jane)?.message
                    == "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not permitted to approve requests with signerName \"example.com/mine\""
            )
            #expect(await review("sign", "status", signer, jane)?.message.contains("not permitted to sign") == true)
            #expect(await review("approve", "approval", signer, fixture.admin) == nil)
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: approver}
                rules: [{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: ["example.com/*"], verbs: [approve]}]
                """, namespace: "")
            try await fixture.create(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: approver}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: approver}
                subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
                """, namespace: "")
            #expect(await review("approve", "approval", signer, jane) == nil)
            #expect(await review("sign", "status", signer, jane) != nil)
        }
    }
}
