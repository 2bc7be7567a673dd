import KubeObject
import Testing

@testable import KubeRegistry

@Suite struct EventAPITests {
    private func event(_ extra: String = "") throws -> JSON {
        try parse(
            """
            {apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: e}, eventTime: "2026-01-01T00:00:00.000000Z",
            regarding: {kind: Pod, name: p, namespace: default}, reportingController: a.io/b, reportingInstance: i,
            action: Do, reason: Because, type: Normal, note: hello\(extra)}
            """)
    }

    /// The second API of events asks for more than the first.
    @Test(arguments: [
        ("", ""), (", series: {count: 2, lastObservedTime: \"2026-01-01T00:00:01.000000Z\"}", ""),
        (
            ", series: {count: 1}",
            "[series.count: Invalid value: \"\": should be at least 2, series.lastObservedTime: Required value]"
        ),
        (", deprecatedCount: 3", "count: Invalid value: \"\": needs to be unset"),
        (", deprecatedSource: {component: c}", "source: Invalid value: \"\": needs to be unset"),
        (
            ", deprecatedFirstTimestamp: \"2026-01-01T00:00:00Z\"",
            "firstTimestamp: Invalid value: \"\": needs to be unset"
        ),
    ])
    func newEventsAreChecked(_ extra: String, _ problem: String) async throws {
        try await withRegistry { fixture in
            let resource = try fixture.resource("events", "events.k8s.io")
            let error = await refusal {
                try await fixture.registry.create(try event(extra), resource, namespace: "default", fixture.admin)
            }
            #expect(error?.message == (problem.isEmpty ? nil : "Event \"e\" is invalid: \(problem)"))
        }
    }

    @Test func typesAndTimesAreNeeded() async throws {
        try await withRegistry { fixture in
            let resource = try fixture.resource("events", "events.k8s.io")
            var tree = try event()
            tree["type"] = "Odd"
            tree["eventTime"] = nil
            let error = await refusal { try await fixture.registry.create(tree, resource, namespace: "default", fixture.admin) }
            #expect(
                error?.message
                    == "Event \"e\" is invalid: [eventTime: Required value, type: Invalid value: \"\": has invalid value: Odd]"
            )
            // The core's API takes it.
            let core = try parse(
                "{apiVersion: v1, kind: Event, metadata: {name: c}, involvedObject: {kind: Pod, namespace: default}, type: Odd}")
            _ = try await fixture.registry.create(core, try fixture.resource("events"), namespace: "default", fixture.admin)
        }
    }

    @Test func onlyTheirSeriesMayChange() async throws {
        try await withRegistry { fixture in
            let resource = try fixture.resource("events", "events.k8s.io")
            _ = try await fixture.registry.create(try event(), resource, namespace: "default", fixture.admin)
            try await fixture.registry.mutate(resource, namespace: "default", name: "e", fixture.admin) {
                $0["series"] = ["count": 2, "lastObservedTime": "2026-01-01T00:00:02.000000Z"]
            }
            let error = await refusal {
                try await fixture.registry.patch(
                    .merge, ["note": "other", "reportingController": "c.io/d"], resource, namespace: "default", name: "e",
                    PatchOptions(), fixture.admin)
            }
            #expect(
                error?.message == "Event \"e\" is invalid: [message: Invalid value: \"other\": field is immutable, "
                    + "reportingController: Invalid value: \"c.io/d\": field is immutable]")
        }
    }
}
