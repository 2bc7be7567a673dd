import KubeObject
import Testing

@testable import KubeRegistry

@Suite struct DeleteTests {
    @Test func whatNothingHoldsIsGoneAtOnce() async throws {
        try await withRegistry { fixture in
            let tree = try await fixture.create(nginx)
            let result = try await fixture.registry.delete(
                try fixture.resource("deployments", "apps"), namespace: "default", name: "web", fixture.admin)
            #expect(result.answer.tree["status"] == "Success")
            #expect(
                result.answer.tree["details"]
                    == ["name": "web", "group": "apps", "kind": "deployments", "uid": tree[path: "metadata", "uid"] ?? ""])
            let error = await refusal { try fixture.get("deployments", "web", group: "apps") }
            #expect(error?.message == "deployments.apps \"web\" not found")
        }
    }

    @Test func finalizersHoldADeletionUntilTheLastIsGone() async throws {
        try await withRegistry { fixture in
            try await fixture.create(
                "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, finalizers: [example.com/a, example.com/b]}}")
            let maps = try fixture.resource("configmaps")
            let marked = try await fixture.registry.delete(maps, namespace: "default", name: "x", fixture.admin)
            #expect(marked.answer.tree["metadata"]?.has("deletionTimestamp") == true)
            try await fixture.registry.mutate(maps, namespace: "default", name: "x", fixture.admin) {
                $0[path: "metadata", "finalizers"] = ["example.com/b"]
            }
            #expect(try fixture.get("configmaps", "x")["kind"] == "ConfigMap")
            try await fixture.registry.mutate(maps, namespace: "default", name: "x", fixture.admin) {
                $0[path: "metadata", "finalizers"] = []
            }
            #expect(await refusal { try fixture.get("configmaps", "x") }?.code == 404)
        }
    }

    @Test func foregroundDeletionWaitsForTheCollector() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let result = try await fixture.registry.delete(
                try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                DeleteOptions(propagationPolicy: .foreground), fixture.admin)
            #expect(result.code == 200)
            #expect(result.answer.tree[path: "metadata", "finalizers"] == ["foregroundDeletion"])
            #expect(result.answer.tree[path: "metadata", "deletionGracePeriodSeconds"] == 0)
            #expect(result.answer.tree[path: "metadata", "generation"] == 2)
        }
    }

    @Test func aScheduledPodIsGivenTimeAndAnUnscheduledOneIsNot() async throws {
        try await withRegistry { fixture in
            let pods = try fixture.resource("pods")
            try await fixture.create(pod("one"))
            try await fixture.create(pod("two", extra: ", nodeName: here"))
            _ = try await fixture.registry.delete(pods, namespace: "default", name: "one", fixture.admin)
            #expect(await refusal { try fixture.get("pods", "one") }?.code == 404)

            let marked = try await fixture.registry.delete(pods, namespace: "default", name: "two", fixture.admin)
            #expect(marked.answer.tree[path: "metadata", "deletionGracePeriodSeconds"] == 30)
            // Later requests can only shorten it.
            let again = try await fixture.registry.delete(
                pods, namespace: "default", name: "two", DeleteOptions(gracePeriodSeconds: 60), fixture.admin)
            #expect(again.answer.tree[path: "metadata", "deletionGracePeriodSeconds"] == 30)
            let sooner = try await fixture.registry.delete(
                pods, namespace: "default", name: "two", DeleteOptions(gracePeriodSeconds: 5), fixture.admin)
            #expect(sooner.answer.tree[path: "metadata", "deletionGracePeriodSeconds"] == 5)
            _ = try await fixture.registry.delete(
                pods, namespace: "default", name: "two", DeleteOptions(gracePeriodSeconds: 0), fixture.admin)
            #expect(await refusal { try fixture.get("pods", "two") }?.code == 404)
        }
    }

    @Test func preconditionsAreChecked() async throws {
        try await withRegistry { fixture in
            try await fixture.create(nginx)
            let error = await refusal {
                try await fixture.registry.delete(
                    try fixture.resource("deployments", "apps"), namespace: "default", name: "web",
                    DeleteOptions(preconditionUID: "other"), fixture.admin)
            }
            #expect(error?.code == 409)
        }
    }

    @Test func aNamespaceTerminatesAndIsGoneWhenItIsFinalized() async throws {
        try await withRegistry { fixture in
            let namespaces = try fixture.resource("namespaces")
            let created = try await fixture.create("{apiVersion: v1, kind: Namespace, metadata: {name: team}}", namespace: "")
            #expect(created[path: "metadata", "labels"] == ["kubernetes.io/metadata.name": "team"])
            #expect(created[path: "spec", "finalizers"] == ["kubernetes"])
            let marked = try await fixture.registry.delete(namespaces, namespace: "", name: "team", fixture.admin)
            #expect(marked.answer.tree[path: "status", "phase"] == "Terminating")
            let refused = await refusal {
                try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", namespace: "team")
            }
            #expect(refused?.code == 403)
            #expect(
                refused?.message
                    == "configmaps \"x\" is forbidden: unable to create new content in namespace team because it is being terminated"
            )
            try await fixture.registry.mutate(namespaces, namespace: "", name: "team", subresource: "finalize", fixture.admin) {
                $0[path: "spec", "finalizers"] = []
            }
            #expect(await refusal { try fixture.get("namespaces", "team") }?.code == 404)
        }
    }

    @Test func theDefaultNamespaceStays() async throws {
        try await withRegistry { fixture in
            let error = await refusal {
                try await fixture.registry.delete(
                    try fixture.resource("namespaces"), namespace: "", name: "default", fixture.admin)
            }
            #expect(error?.message == "namespaces \"default\" is forbidden: this namespace may not be deleted")
        }
    }

    @Test func aCollectionIsDeletedBySelector() async throws {
        try await withRegistry { fixture in
            for name in ["a", "b", "c"] { try await fixture.create(pod(name)) }
            let result = try await fixture.registry.deleteCollection(
                try fixture.resource("pods"), namespace: "default", ListOptions(labelSelector: "app in (a,b)"), fixture.admin)
            #expect(result.answer.tree["items"]?.elements.count == 2)
            #expect(try fixture.registry.list(try fixture.resource("pods"), namespace: "", fixture.admin).objects.count == 1)
        }
    }
}

@Test func aGracePeriodWithoutEndIsNoOverflow() async throws {
    try await withRegistry { fixture in
        try await fixture.create(pod("long", extra: ", nodeName: here"))
        let marked = try await fixture.registry.delete(
            try fixture.resource("pods"), namespace: "default", name: "long", DeleteOptions(gracePeriodSeconds: .max),
            fixture.admin)
        #expect(marked.answer.tree[path: "metadata", "deletionTimestamp"] == "9999-12-31T23:59:59Z")
    }
}
