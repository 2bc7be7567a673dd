import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct PodSecurityTests {
    private static let good = """
        securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
        containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
        """

    private func violations(_ spec: String, _ standard: PodSecurityStandard, metadata: String = "{}") throws -> String {
        PodSecurityCheck.text(
            PodSecurityCheck.violations(of: standard, metadata: try parse(metadata), spec: try parse(spec)))
    }

    @Test(arguments: [
        ("hostNetwork: true\nhostPID: true", "host namespaces (hostNetwork=true, hostPID=true)"),
        ("volumes: [{name: v, hostPath: {path: /}}]", "hostPath volumes (volume \"v\")"),
        (
            "containers: [{name: a, ports: [{hostPort: 80}, {hostPort: 0}]}, {name: b, ports: [{hostPort: 9}]}]",
            "hostPort (containers \"a\", \"b\" use hostPorts 80, 9)"
        ),
        (
            "initContainers: [{name: i, securityContext: {privileged: true}}]",
            "privileged (container \"i\" must not set securityContext.privileged=true)"
        ),
        (
            "containers: [{name: a, securityContext: {procMount: Unmasked}}]",
            "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")"
        ),
        (
            "containers: [{name: a, securityContext: {capabilities: {add: [NET_ADMIN, CHOWN]}}}]",
            "non-default capabilities (container \"a\" must not include \"NET_ADMIN\" in securityContext.capabilities.add)"
        ),
        (
            "securityContext: {seLinuxOptions: {type: spc_t, user: u}}",
            "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"spc_t\"; user may not be set)"
        ),
        (
            "securityContext: {seccompProfile: {type: Unconfined}}\ncontainers: [{name: a, securityContext: {seccompProfile: {type: Unconfined}}}]",
            "seccompProfile (pod and container \"a\" must not set securityContext.seccompProfile.type to \"Unconfined\")"
        ),
        (
            "securityContext: {sysctls: [{name: kernel.msgmax, value: \"1\"}, {name: net.ipv4.tcp_rmem, value: \"1\"}]}",
            "forbidden sysctl (kernel.msgmax)"
        ),
        (
            "securityContext: {windowsOptions: {hostProcess: true}}",
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"
        ),
        (
            "securityContext: {appArmorProfile: {type: Unconfined}}",
            "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")"
        ),
        (
            "containers: [{name: a, livenessProbe: {httpGet: {host: 169.254.169.254}}}]",
            "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"169.254.169.254\")"
        ),
        ("containers: [{name: a}]", ""),
    ])
    func `baseline knows the ways to the host`(_ spec: String, _ text: String) throws {
        #expect(try violations(spec, PodSecurityStandard(level: .baseline)) == text)
        #expect(try violations(spec, .privileged) == "")
    }

    @Test func `restricted tells all that is missing, after what baseline forbids`() throws {
        let spec =
            "containers: [{name: a, securityContext: {privileged: true, runAsUser: 0}}]\nvolumes: [{name: 'n', nfs: {server: x}}]"
        #expect(
            try violations(spec, PodSecurityStandard(level: .restricted))
                == "privileged (container \"a\" must not set securityContext.privileged=true), "
                + "allowPrivilegeEscalation != false (container \"a\" must set securityContext.allowPrivilegeEscalation=false), "
                + "unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]), "
                + "restricted volume types (volume \"n\" uses restricted volume type \"nfs\"), "
                + "runAsNonRoot != true (pod or container \"a\" must set securityContext.runAsNonRoot=true), "
                + "runAsUser=0 (container \"a\" must not set runAsUser=0), "
                + "seccompProfile (pod or container \"a\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        )
        #expect(try violations(Self.good, PodSecurityStandard(level: .restricted)) == "")
    }

    @Test(arguments: [
        ("containers: [{name: a}]", 7, "runAsNonRoot != true"),
        ("containers: [{name: a}]", 18, "allowPrivilegeEscalation != false, runAsNonRoot != true"),
        ("containers: [{name: a}]", 21, "allowPrivilegeEscalation != false, runAsNonRoot != true, seccompProfile"),
        ("securityContext: {runAsNonRoot: true, runAsUser: 0}\ncontainers: [{name: a}]", 7, ""),
        ("os: {name: windows}\nsecurityContext: {runAsNonRoot: true}\ncontainers: [{name: a}]", 25, ""),
        (
            "hostUsers: false\nsecurityContext: {seccompProfile: {type: RuntimeDefault}}\n"
                + "containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]", 35,
            ""
        ),
    ])
    func `versions are as strict as they were`(_ spec: String, _ minor: Int, _ reasons: String) throws {
        let found = PodSecurityCheck.violations(
            of: PodSecurityStandard(level: .restricted, minor: minor), metadata: [:], spec: try parse(spec))
        #expect(found.map(\.reason).joined(separator: ", ") == reasons)
    }

    @Test func `labels say what is enforced, and who makes controllers is warned`() {
        let policy = PodSecurityPolicy(labels: [
            "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.24",
        ])
        #expect(policy.enforce.description == "baseline:v1.24" && policy.warn == policy.enforce && policy.audit == .privileged)
        let wrong = PodSecurityPolicy(labels: [
            "pod-security.kubernetes.io/enforce": "strict", "pod-security.kubernetes.io/warn-version": "1.2",
        ])
        #expect(wrong.enforce.level == .restricted && wrong.problems.count == 2)
    }

    @Test func `a namespace refuses, warns and notes`() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("early", extra: ", hostNetwork: true"))
            let namespaces = try fixture.resource("namespaces")
            func label(_ labels: JSON) async throws -> RequestNotes {
                var context = fixture.admin
                let notes = RequestNotes()
                context.notes = notes
                _ = try await fixture.registry.patch(
                    .merge, ["metadata": ["labels": labels]], namespaces, namespace: "", name: "default", context)
                return notes
            }
            let prefix = "pod-security.kubernetes.io/"
            let notes = try await label([(prefix + "enforce"): "baseline", (prefix + "audit"): "restricted"])
            #expect(
                notes.warnings == [
                    "existing pods in namespace \"default\" violate the new PodSecurity enforce level \"baseline:latest\"",
                    "early: host namespaces",
                ])
            let error = await refusal { try await fixture.create(pod("late", extra: ", hostNetwork: true")) }
            #expect(error?.code == 403)
            #expect(
                error?.message
                    == "pods \"late\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)")
            var context = fixture.admin
            let seen = RequestNotes()
            context.notes = seen
            let tree = try parse(nginx.replacing("spec: {containers", with: "spec: {hostNetwork: true, containers"))
            _ = try await fixture.registry.create(
                tree, try fixture.resource("deployments", "apps"), namespace: "default", context)
            #expect(seen.warnings == ["would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)"])
            #expect(
                seen.annotations[prefix + "audit-violations"]?.hasPrefix("would violate PodSecurity \"restricted:latest\": ")
                    == true)
            let wrong = await refusal { try await label([(prefix + "enforce"): "strict"]) }
            #expect(wrong?.code == 422)
            #expect(
                wrong?.message
                    == "namespaces \"default\" is forbidden: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": must be one of privileged, baseline, restricted"
            )
        }
    }
}
