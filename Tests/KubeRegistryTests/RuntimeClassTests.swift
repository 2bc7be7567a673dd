import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct RuntimeClassTests {
    private func withClass(_ body: (Fixture) async throws -> Void) async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                """
                apiVersion: node.k8s.io/v1
                kind: RuntimeClass
                metadata: {name: sandboxed}
                handler: runsc
                overhead: {podFixed: {cpu: 250m, memory: 64Mi}}
                scheduling:
                  nodeSelector: {sandbox: "true"}
                  tolerations: [{key: sandbox, operator: Exists}, {key: other, operator: Exists, effect: NoSchedule}]
                """)
            try await body(fixture)
        }
    }

    @Test func aPodGetsWhatItsClassSays() async throws {
        try await withClass { fixture in
            let extra =
                ", runtimeClassName: sandboxed, nodeSelector: {a: b}, tolerations: [{key: sandbox, operator: Equal, value: x, effect: NoSchedule}]"
            let spec = try await fixture.create(pod("one", extra: extra))["spec"] ?? [:]
            #expect(spec["overhead"] == ["cpu": "250m", "memory": "64Mi"])
            #expect(spec["nodeSelector"] == ["a": "b", "sandbox": "true"])
            let keys = spec["tolerations"]?.elements.map { "\($0.text("key")) \($0.text("operator"))" }
            #expect(keys?.filter { !$0.hasPrefix("node.kubernetes.io") } == ["sandbox Exists", "other Exists"])
            let same = try await fixture.create(
                pod("two", extra: ", runtimeClassName: sandboxed, overhead: {cpu: 0.25, memory: 64Mi}"))
            #expect(same[path: "spec", "overhead", "cpu"] == "250m")
        }
    }

    @Test(arguments: [
        (", runtimeClassName: none", "pod rejected: RuntimeClass \"none\" not found"),
        (", overhead: {cpu: 1}", "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"),
        (
            ", runtimeClassName: sandboxed, overhead: {cpu: 1}",
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
        ),
        (
            ", runtimeClassName: sandboxed, nodeSelector: {sandbox: \"false\"}",
            "conflict: runtimeClass.scheduling.nodeSelector[sandbox] = true; pod.spec.nodeSelector[sandbox] = false"
        ),
    ])
    func whatDoesntFitIsRefused(_ extra: String, _ why: String) async throws {
        try await withClass { fixture in
            let refused = await refusal { try await fixture.create(pod("one", extra: extra)) }
            #expect(refused?.code == 403)
            #expect(refused?.message == "pods \"one\" is forbidden: \(why)")
        }
    }
}
