import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct ListWatchTests {
    private func fill(_ fixture: Fixture, _ names: [String]) async throws {
        for name in names {
            try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: \(name), labels: {'n': \(name)}}}")
        }
    }

    @Test func pagesShowOneSnapshot() async throws {
        try await withRegistry { fixture in
            let maps = try fixture.resource("configmaps")
            try await fill(fixture, ["a", "b", "c", "d"])
            let first = try fixture.registry.list(maps, namespace: "default", ListOptions(limit: 2), fixture.admin)
            #expect(first.objects.map(\.metadata.name) == ["a", "b"])
            #expect(first.remainingItemCount == 3)
            try await fixture.registry.delete(maps, namespace: "default", name: "c", fixture.admin)
            let second = try fixture.registry.list(
                maps, namespace: "default", ListOptions(limit: 2, continueToken: first.continueToken), fixture.admin)
            #expect(second.objects.map(\.metadata.name) == ["c", "d"])
            #expect(second.resourceVersion == first.resourceVersion)
            let third = try fixture.registry.list(
                maps, namespace: "default", ListOptions(limit: 2, continueToken: second.continueToken), fixture.admin)
            #expect(third.objects.map(\.metadata.name) == ["kube-root-ca.crt"])
            #expect(third.continueToken.isEmpty)
        }
    }

    /// As upstream, where revisions older than five minutes are gone.
    @Test func aListThatIsLeftAloneForLongCanOnlyGoOnInWhatIsThere() async throws {
        try await withRegistry { fixture in
            let maps = try fixture.resource("configmaps")
            try await fill(fixture, ["a", "b", "c"])
            let first = try fixture.registry.list(maps, namespace: "default", ListOptions(limit: 1), fixture.admin)
            var token = try ContinueToken(first.continueToken)
            #expect(!token.isExpired)
            token.began -= ContinueToken.lifetime + 1
            let old = ListOptions(limit: 1, continueToken: token.text)
            let expired = await refusal { try fixture.registry.list(maps, namespace: "default", old, fixture.admin) }
            #expect(expired?.code == 410)
            try await fixture.registry.delete(maps, namespace: "default", name: "b", fixture.admin)
            let rest = ListOptions(continueToken: try #require(expired?.continueToken))
            let left = try fixture.registry.list(maps, namespace: "default", rest, fixture.admin)
            #expect(left.objects.map(\.metadata.name) == ["c", "kube-root-ca.crt"])
        }
    }

    /// Upstream's revisions move on by themselves, and its conformance suite wants to see it: API Chunking should support continue listing
    /// from the last key if the original version has been compacted away.
    @Test func whatIsThereIsAnotherRevisionEvenIfNothingHappened() async throws {
        try await withRegistry { fixture in
            let maps = try fixture.resource("configmaps")
            try await fill(fixture, ["a", "b", "c"])
            let first = try await fixture.registry.servedList(maps, namespace: "default", ListOptions(limit: 1), fixture.admin)
            var token = try ContinueToken(first.continueToken)
            token.began -= ContinueToken.lifetime + 1
            let old = ListOptions(limit: 1, continueToken: token.text)
            let expired = await refusal {
                try await fixture.registry.servedList(maps, namespace: "default", old, fixture.admin)
            }
            let rest = ListOptions(limit: 2, continueToken: try #require(expired?.continueToken))
            let second = try await fixture.registry.servedList(maps, namespace: "default", rest, fixture.admin)
            #expect(second.resourceVersion > first.resourceVersion)
            #expect(second.objects.map(\.metadata.name) == ["b", "c"])
            #expect(second.remainingItemCount == 1)
            let third = ListOptions(limit: 2, continueToken: second.continueToken)
            let last = try await fixture.registry.servedList(maps, namespace: "default", third, fixture.admin)
            #expect(last.resourceVersion == second.resourceVersion && last.continueToken.isEmpty)
        }
    }

    @Test(arguments: [
        ("n in (a,c)", "", ["a", "c"]), ("n!=a,n", "", ["b", "c"]), ("", "metadata.name=b", ["b"]),
        ("", "metadata.name!=b,metadata.name!=kube-root-ca.crt", ["a", "c"]), ("n=a", "metadata.name=b", []),
    ])
    func selectorsChoose(_ labels: String, _ fields: String, _ names: [String]) async throws {
        try await withRegistry { fixture in
            try await fill(fixture, ["a", "b", "c"])
            let found = try fixture.registry.list(
                try fixture.resource("configmaps"), namespace: "default",
                ListOptions(labelSelector: labels, fieldSelector: fields), fixture.admin)
            #expect(found.objects.map(\.metadata.name) == names)
        }
    }

    @Test(arguments: [
        (ListOptions(fieldSelector: "spec.color=red"), 400, "field label not supported: spec.color"),
        (ListOptions(labelSelector: "a in (b"), 400, "unable to parse requirement: found '', expected: ',' or ')'"),
        (
            ListOptions(continueToken: "%%%"), 400,
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        ),
        (
            ListOptions(resourceVersionMatch: "Exact"), 422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        ),
        (ListOptions(resourceVersion: "999999"), 504, nil),
    ])
    func badOptionsAreRefused(_ options: ListOptions, _ code: Int, _ message: String?) async throws {
        try await withRegistry { fixture in
            let error = await refusal {
                try fixture.registry.list(try fixture.resource("pods"), namespace: "default", options, fixture.admin)
            }
            #expect(error?.code == code)
            if let message { #expect(error?.message == message) }
        }
    }

    @Test func aWatchTellsOfWhatEntersAndLeavesItsSelection() async throws {
        try await withRegistry { fixture in
            let maps = try fixture.resource("configmaps")
            try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {show: 'yes'}}}")
            let stream = try fixture.registry.watch(
                maps, namespace: "default", ListOptions(labelSelector: "show=yes"), fixture.admin)
            var iterator = stream.makeAsyncIterator()
            func next() async throws -> (String, String) {
                let event = try #require(await iterator.next()?.first)
                return (event.type.rawValue, event.object.tree["metadata"]?.text("name") ?? "")
            }
            #expect(try await next() == ("ADDED", "x"))
            func label(_ value: String) async throws {
                try await fixture.registry.mutate(maps, namespace: "default", name: "x", fixture.admin) {
                    $0[path: "metadata", "labels"] = ["show": .string(value)]
                }
            }
            try await label("no")
            #expect(try await next() == ("DELETED", "x"))
            try await label("yes")
            #expect(try await next() == ("ADDED", "x"))
            try await fixture.registry.mutate(maps, namespace: "default", name: "x", fixture.admin) { $0["data"] = ["a": "b"] }
            #expect(try await next() == ("MODIFIED", "x"))
            try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: hidden}}")
            try await fixture.registry.delete(maps, namespace: "default", name: "x", fixture.admin)
            #expect(try await next() == ("DELETED", "x"))
            stream.requestBookmark()
            #expect(try await next().0 == "BOOKMARK")
            stream.finish()
            #expect(await iterator.next() == nil)
        }
    }

    @Test func aWatchResumesAndInitialEventsEndInABookmark() async throws {
        try await withRegistry { fixture in
            let maps = try fixture.resource("configmaps")
            let revision = fixture.cluster.revision
            try await fixture.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
            let resumed = try fixture.registry.watch(
                maps, namespace: "", ListOptions(resourceVersion: String(revision)), fixture.admin)
            var iterator = resumed.makeAsyncIterator()
            let event = try #require(await iterator.next()?.first)
            #expect(event.type == .added)
            #expect(
                String(decoding: event.encoded, as: UTF8.self).hasPrefix("{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\""))
            resumed.finish()

            let streamed = try fixture.registry.watch(
                maps, namespace: "default",
                ListOptions(
                    resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true, sendInitialEvents: true),
                fixture.admin)
            var other = streamed.makeAsyncIterator()
            let first = try #require(await other.next())
            #expect(first.map(\.type) == [.added, .added, .bookmark])
            #expect(
                first[2].object.tree[path: "metadata", "annotations"] == ["k8s.io/initial-events-end": "true"])
            streamed.finish()
        }
    }

    @Test func aRevisionThatIsTooOldIsToldInTheStream() async throws {
        try await withRegistry { fixture in
            let stream = try fixture.registry.watch(
                try fixture.resource("pods"), namespace: "", ListOptions(resourceVersion: "1"), fixture.admin)
            var iterator = stream.makeAsyncIterator()
            let event = try #require(await iterator.next()?.first)
            #expect(event.type == .error)
            #expect(event.object.tree["code"] == 410)
            #expect(event.object.tree["reason"] == "Expired")
            #expect(await iterator.next() == nil)
        }
    }
}
