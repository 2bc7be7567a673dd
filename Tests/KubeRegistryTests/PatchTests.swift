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

            // What a controller writes is booked as upstream's controllers' program.
            let marked = try await fixture.registry.mutate(
                try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                .controller("deployment-controller", in: fixture.cluster)
            ) { $0[path: "metadata", "annotations"] = ["deployment.kubernetes.io/revision": "1"] }
            let books = marked.tree[path: "metadata", "managedFields"]?.elements ?? []
            #expect(books.count == 3)
            #expect(
                books.first { $0.text("manager") == "kube-controller-manager" }?["fieldsV1"] == [
                    "f:metadata": ["f:annotations": [".": [:], "f:deployment.kubernetes.io/revision": [:]]]
                ])
        }
    }

    @Test func everyWriteIsBooked() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(nginx, CreateOptions(fieldManager: "creator"))
            func books(_ tree: JSON) -> [String] {
                (tree[path: "metadata", "managedFields"]?.elements ?? []).map {
                    "\($0.text("manager")) \($0.text("operation")) \($0.text("subresource"))"
                }
            }
            #expect(books(tree) == ["creator Update "])
            tree[path: "spec", "replicas"] = 2
            let deployments = try fixture.resource("deployments", "apps")
            let updated = try await fixture.registry.update(
                tree, deployments, namespace: "default", name: "web", UpdateOptions(fieldManager: "editor"), fixture.admin)
            #expect(books(updated.answer.tree).sorted() == ["creator Update ", "editor Update "])
            let status = try await fixture.registry.mutate(
                deployments, namespace: "default", name: "web", subresource: "status",
                .controller("deployment-controller", in: fixture.cluster)
            ) { $0[path: "status", "replicas"] = 2 }
            #expect(books(status.tree).contains("kube-controller-manager Update status"))
            let again = try await fixture.registry.update(
                status.tree, deployments, namespace: "default", name: "web", UpdateOptions(fieldManager: "idle"), fixture.admin)
            #expect(again.answer.object?.metadata.resourceVersion == status.metadata.resourceVersion)
            let scaled = try await fixture.registry.patch(
                .merge, ["spec": ["replicas": 5]], deployments, namespace: "default", name: "web", subresource: "scale",
                PatchOptions(fieldManager: "scaler"), fixture.admin)
            #expect(scaled.answer.tree[path: "spec", "replicas"] == 5)
            let entry = try fixture.get("deployments", "web", group: "apps")[path: "metadata", "managedFields"]?.elements.first {
                $0.text("manager") == "scaler"
            }
            #expect(
                entry?.text("subresource") == "scale" && entry?.text("apiVersion") == "apps/v1"
                    && entry?["fieldsV1"] == ["f:spec": ["f:replicas": [:]]])
        }
    }

    /// What admission and the server's own allocation add is nobody's.
    @Test func onlyWhatWasAskedForIsBooked() async throws {
        try await withRegistry { fixture in
            let service = try await fixture.create(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {ports: [{port: 80}], selector: {app: web}}
                """)
            #expect(service[path: "spec", "clusterIP"] != nil)
            let fields = service[path: "metadata", "managedFields"]?[0]?["fieldsV1"]
            #expect(fields?[path: "f:spec", "f:clusterIP"] == nil)
            #expect(fields?[path: "f:spec", "f:ports", ".", "x"] == nil && fields?[path: "f:spec", "f:sessionAffinity"] == [:])
            #expect(service[path: "metadata", "managedFields"]?[0]?.text("manager") == "unknown")
        }
    }

    @Test func aScaleIsAppliedToItsObject() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx, CreateOptions(fieldManager: "creator"))
            let deployments = try fixture.resource("deployments", "apps")
            func scale(_ replicas: Int64, force: Bool = false) async throws -> WriteResult {
                try await fixture.registry.patch(
                    .apply,
                    [
                        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web", "namespace": "default"],
                        "spec": ["replicas": .int(replicas)],
                    ], deployments, namespace: "default", name: "web", subresource: "scale",
                    PatchOptions(fieldManager: "hpa", force: force), fixture.admin)
            }
            let refused = await refusal { try await scale(3) }
            #expect(
                refused?.message
                    == "Apply failed with 1 conflict: conflict with \"creator\" using autoscaling/v1: .spec.replicas")
            #expect(try await scale(3, force: true).answer.tree[path: "spec", "replicas"] == 3)
            #expect(try await scale(3).answer.tree["kind"] == "Scale")
            let entry = try fixture.get("deployments", "web", group: "apps")[path: "metadata", "managedFields"]?.elements.first {
                $0.text("manager") == "hpa"
            }
            #expect(
                entry?.text("operation") == "Apply" && entry?.text("subresource") == "scale"
                    && entry?["fieldsV1"] == ["f:spec": ["f:replicas": [:]]])
        }
    }
}
