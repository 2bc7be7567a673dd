import KubeObject
import Testing

@testable import KubeRegistry

@Suite struct PatchTests {
    @Test(arguments: [
        (PatchType.json, "[{op: replace, path: /spec/replicas, value: 2}]"), (.merge, "{spec: {replicas: 2}}"),
        (.strategicMerge, "{spec: {replicas: 2, template: {spec: {containers: [{name: web, env: [{name: A, value: b}]}]}}}}"),
    ])
    func everyKindOfPatchIsDefaultedValidatedAndCounted(_ type: PatchType, _ body: String) async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let patched = try await fixture.registry.patch(
                type, try parse(body), try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                fixture.admin
            ).answer.tree
            #expect(patched[path: "spec", "replicas"] == 2)
            #expect(patched[path: "metadata", "generation"] == 2)
            #expect(patched[path: "spec", "template", "spec", "containers"]?[0]?.text("image") == "nginx:1.27")
        }
    }

    @Test func aPatchThatMakesAnInvalidObjectIsRefused() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let error = await refusal {
                try await fixture.registry.patch(
                    .merge, ["spec": ["replicas": -1]], try fixture.resource("deployments", "apps"), namespace: "default",
                    name: "web", fixture.admin)
            }
            #expect(
                error?.message
                    == "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0")
        }
    }

    @Test func theStatusIsPatchedAlone() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let patched = try await fixture.registry.patch(
                .merge, ["spec": ["replicas": 5], "status": ["replicas": 1]], try fixture.resource("deployments", "apps"),
                namespace: "default", name: "web", subresource: "status", fixture.admin
            ).answer.tree
            #expect(patched[path: "spec", "replicas"] == 1)
            #expect(patched[path: "status", "replicas"] == 1)
        }
    }
}
