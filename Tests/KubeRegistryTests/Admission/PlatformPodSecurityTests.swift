import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

/// What the platform lets a cluster's pods be counts, whatever the cluster says.
@Suite struct PlatformPodSecurityTests {
    private static func policy(_ level: ClusterPolicy.PodSecurity) -> ClusterPolicy {
        var policy = ClusterPolicy()
        policy.podSecurity = level
        return policy
    }

    private static let permissive = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: open, labels: {pod-security.kubernetes.io/enforce: privileged}}
        """

    @Test(arguments: [
        ("", ", hostNetwork: true", "host namespaces (hostNetwork=true)"),
        ("securityContext: {procMount: Unmasked}", ", hostUsers: false", "procMount"),
        ("securityContext: {privileged: true}", ", os: {name: linux}", "privileged"),
        ("", ", volumes: [{name: v, hostPath: {path: /}}]", "hostPath volumes"),
    ])
    func aPodThatWouldReachTheMachineIsRefused(container: String, spec: String, reason: String) async throws {
        let yaml = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {containers: [{name: main, image: i, \(container)}], serviceAccountName: default\(spec)}
            """
        try await withRegistry(policy: Self.policy(.baseline)) { fixture in
            try await fixture.create(Self.permissive, namespace: "")
            try await fixture.create("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}", namespace: "open")
            let error = try #require(await refusal { try await fixture.create(yaml, namespace: "open") })
            #expect(error.code == 403 && error.message.contains(reason), "\(error.message)")
            #expect(error.message.contains("the platform allows this cluster no pods that violate PodSecurity"))
        }
        try await withRegistry { fixture in
            try await fixture.create(yaml)
        }
    }

    @Test func restrictedAsksForMore() async throws {
        try await withRegistry(policy: Self.policy(.restricted)) { fixture in
            let error = try #require(await refusal { try await fixture.create(pod("plain")) })
            #expect(error.message.contains("\"restricted:latest\""))
        }
    }

    @Test func aPartOfTheServerMayProvideVolumesOfTheMachine() async throws {
        let volume = try parse(
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: v}
            spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /srv}}
            """)
        try await withRegistry(policy: Self.policy(.baseline)) { fixture in
            let resource = try fixture.resource("persistentvolumes")
            let error = try #require(
                await refusal {
                    try await fixture.registry.create(volume, resource, namespace: "", CreateOptions(), fixture.admin)
                })
            #expect(error.code == 403 && error.message.contains("no volumes of the machine's directories (spec.hostPath)"))
            let provisioner = RequestContext.controller("persistent-volume-binder", in: fixture.cluster)
            _ = try await fixture.registry.create(volume, resource, namespace: "", CreateOptions(), provisioner)
        }
    }
}
