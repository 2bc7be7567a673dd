import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct UpdateTests {
    @Test func aChangedSpecIsANewGenerationAndAStatusStaysWhatItIs() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(nginx)
            let deployments = try fixture.resource("deployments", "apps")
            tree[path: "spec", "replicas"] = 3
            tree[path: "status", "replicas"] = 7
            let updated = try await fixture.registry.update(
                tree, deployments, namespace: "default", name: "web", fixture.admin
            ).answer.tree
            #expect(updated[path: "metadata", "generation"] == 2)
            #expect(updated[path: "spec", "replicas"] == 3)
            #expect(updated[path: "status", "replicas"] == nil)

            var status = updated
            status[path: "status", "replicas"] = 3
            status[path: "spec", "replicas"] = 9
            let observed = try await fixture.registry.update(
                status, deployments, namespace: "default", name: "web", subresource: "status", fixture.admin
            ).answer.tree
            #expect(observed[path: "metadata", "generation"] == 2)
            #expect(observed[path: "spec", "replicas"] == 3)
            #expect(observed[path: "status", "replicas"] == 3)
        }
    }

    @Test func anOldResourceVersionIsAConflict() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
            let maps = try fixture.resource("configmaps")
            let old = tree
            tree["data"] = ["a": "b"]
            _ = try await fixture.registry.update(tree, maps, namespace: "default", name: "x", fixture.admin)
            let error = await refusal {
                try await fixture.registry.update(old, maps, namespace: "default", name: "x", fixture.admin)
            }
            #expect(error?.code == 409)
            #expect(
                error?.message
                    == "Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your changes to the latest version and try again"
            )
        }
    }

    @Test func anUpdateThatChangesNothingWritesNothing() async throws {
        try await withRegistry { fixture in
            let tree = try await fixture.create(nginx)
            let before = fixture.cluster.revision
            let updated = try await fixture.registry.update(
                tree, try fixture.resource("deployments", "apps"), namespace: "default", name: "web", fixture.admin)
            #expect(updated.answer.tree == tree)
            #expect(fixture.cluster.revision == before)
        }
    }

    @Test func immutableFieldsStay() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(nginx)
            tree[path: "spec", "selector", "matchLabels"] = ["app": "other"]
            tree[path: "spec", "template", "metadata", "labels"] = ["app": "other"]
            let error = await refusal {
                try await fixture.registry.update(
                    tree, try fixture.resource("deployments", "apps"), namespace: "default", name: "web", fixture.admin)
            }
            #expect(error?.code == 422)
            #expect(error?.message.contains("spec.selector: Invalid value") == true)
            #expect(error?.message.hasSuffix("field is immutable") == true)
        }
    }

    @Test func onlyImagesAndFewOtherFieldsOfAPodChange() async throws {
        try await withRegistry { fixture in
            var tree = try await fixture.create(pod("one"))
            let pods = try fixture.resource("pods")
            tree.edit("spec") { $0.editEach("containers") { $0["image"] = "busybox:1" } }
            let updated = try await fixture.registry.update(tree, pods, namespace: "default", name: "one", fixture.admin)
            #expect(updated.answer.tree["spec"]?["containers"]?[0]?.text("image") == "busybox:1")
            var other = updated.answer.tree
            other[path: "spec", "hostname"] = "changed"
            let error = await refusal {
                try await fixture.registry.update(other, pods, namespace: "default", name: "one", fixture.admin)
            }
            #expect(
                error?.message.hasPrefix("Pod \"one\" is invalid: spec: Forbidden: pod updates may not change fields other than")
                    == true)
        }
    }

    @Test func manyMutationsAtOnceAllCount() async throws {
        try await withRegistry { fixture in
            try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {n: '0'}}")
            let maps = try fixture.resource("configmaps")
            let registry = fixture.registry
            let context = fixture.admin
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await registry.mutate(maps, namespace: "default", name: "x", context) { tree in
                            let count = Int(tree[path: "data", "n"]?.string ?? "") ?? 0
                            tree[path: "data", "n"] = .string(String(count + 1))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try fixture.get("configmaps", "x")[path: "data", "n"] == "20")
        }
    }

    @Test func aScaleChangesTheReplicas() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let deployments = try fixture.resource("deployments", "apps")
            var scale = try await fixture.registry.get(
                deployments, namespace: "default", name: "web", subresource: "scale", fixture.admin
            ).tree
            #expect(scale["kind"] == "Scale")
            #expect(scale["spec"] == ["replicas": 1])
            #expect(scale[path: "status", "selector"] == "app=web")
            scale["spec"] = ["replicas": 4]
            _ = try await fixture.registry.update(
                scale, deployments, namespace: "default", name: "web", subresource: "scale", fixture.admin)
            let deployment = try fixture.get("deployments", "web", group: "apps")
            #expect(deployment[path: "spec", "replicas"] == 4)
            #expect(deployment[path: "metadata", "generation"] == 2)
        }
    }

    @Test func ownersStandOnceAndOnlyADeletionMarks() async throws {
        try await withRegistry { fixture in
            let owner: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"]
            var tree = try parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
            tree[path: "metadata", "ownerReferences"] = [owner, owner]
            let maps = try fixture.resource("configmaps")
            let created = try await fixture.registry.create(tree, maps, namespace: "default", fixture.admin)
            #expect(created.answer.tree[path: "metadata", "ownerReferences"] == [owner])
            #expect(created.warnings.count == 1 && created.warnings[0].hasSuffix("duplicate UID(s) observed: u"))
            func patch(_ metadata: JSON) async -> String? {
                await refusal {
                    try await fixture.registry.patch(
                        .merge, ["metadata": metadata], maps, namespace: "default", name: "x", fixture.admin)
                }?.message
            }
            #expect(
                await patch(["deletionTimestamp": "2020-01-01T00:00:00Z"])
                    == "ConfigMap \"x\" is invalid: metadata.deletionTimestamp: Invalid value: \"2020-01-01T00:00:00Z\": field is immutable"
            )
            #expect(await patch(["resourceVersion": "x"]) == "strconv.ParseUint: parsing \"x\": invalid syntax")
            #expect(
                await patch(["name": .null])
                    == "the name of the object (x based on URL) was undeterminable: name must be provided")
            #expect(
                await patch(["ownerReferences": [["name": "o", "uid": "u", "kind": "X"]]])
                    == "ConfigMap \"x\" is invalid: metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty"
            )
        }
    }
}
