import KubeObject
import KubeStore
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

@Suite struct ApplyTests {
    private func apply(
        _ fixture: Fixture, _ yaml: String, manager: String, force: Bool = false
    ) async throws -> WriteResult {
        try await fixture.registry.patch(
            .apply, try parse(yaml), try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
            PatchOptions(fieldManager: manager, force: force), fixture.admin)
    }

    @Test func appliesCreateAndMergeAndConflict() async throws {
        try await withRegistry { fixture in
            let created = try await apply(fixture, nginx, manager: "one")
            #expect(created.code == 201)
            #expect(created.answer.tree[path: "metadata", "managedFields"]?[0]?.text("manager") == "one")
            #expect(created.answer.tree[path: "spec", "replicas"] == 1)

            let again = try await apply(fixture, nginx, manager: "one")
            #expect(
                again.answer.tree[path: "metadata", "resourceVersion"] == created.answer.tree[path: "metadata", "resourceVersion"]
            )

            let image = """
                {apiVersion: apps/v1, kind: Deployment, metadata: {name: web},
                 spec: {template: {spec: {containers: [{name: web, image: "nginx:2"}]}}}}
                """
            let refused = await refusal { try await apply(fixture, image, manager: "two") }
            #expect(refused?.code == 409)
            #expect(refused?.message.hasPrefix("Apply failed with 1 conflict: conflict with \"one\"") == true)
            let forced = try await apply(fixture, image, manager: "two", force: true).answer.tree
            #expect(forced[path: "spec", "template", "spec", "containers"]?[0]?.text("image") == "nginx:2")
            #expect(forced[path: "metadata", "generation"] == 2)
            #expect(forced[path: "metadata", "managedFields"]?.elements.count == 2)

            // What a controller writes leaves the books as they are.
            let marked = try await fixture.registry.mutate(
                try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                .controller("deployment-controller", in: fixture.cluster)
            ) { $0[path: "metadata", "annotations"] = ["deployment.kubernetes.io/revision": "1"] }
            #expect(marked.tree[path: "metadata", "managedFields"] == forced[path: "metadata", "managedFields"])
        }
    }

    @Test func anObjectThatNobodyAppliedHasNoBooks() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(nginx)
            #expect(tree[path: "metadata", "managedFields"] == nil)
            tree[path: "spec", "replicas"] = 2
            let updated = try await fixture.registry.update(
                tree, try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                UpdateOptions(fieldManager: "editor"), fixture.admin)
            #expect(updated.answer.tree[path: "metadata", "managedFields"] == nil)
        }
    }
}
