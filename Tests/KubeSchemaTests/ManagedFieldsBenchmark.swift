import Foundation
import KubeObject
import Testing

@testable import KubeSchema

/// What booking a write costs. A measure, no test: it runs when SAMPAN_BENCHMARK is set.
@Suite(
    "Benchmark of managed fields",
    .enabled(if: ProcessInfo.processInfo.environment["SAMPAN_BENCHMARK"] != nil, "SAMPAN_BENCHMARK is not set"))
struct ManagedFieldsBenchmark {
    let deployment = Schema.builtin.type(forKind: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))

    private func write(_ manager: String, subresource: String = "", time: String = "2026-01-01T00:00:00Z")
        -> ServerSideApply.Write
    {
        .init(
            type: deployment, manager: .init(name: manager, isApply: false, apiVersion: "apps/v1", subresource: subresource),
            reset: FieldSet(paths: [[subresource.isEmpty ? "status" : "spec"]]), time: time)
    }

    private func measure(_ what: String, _ body: () -> JSON?) {
        var last: JSON?
        let time = ContinuousClock().measure { for _ in 0..<2000 { last = body() } }
        print("\(what): \(time / 2000), \(last?.encoded().count ?? 0) bytes of managedFields")
    }

    @Test func costs() throws {
        let tree = try #require(try YAML.parse(ServerSideApplyTests.web.utf8).first)
        let object = try #require(try deployment?.decode(tree).tree)
        measure("create") { ServerSideApply.managedFields(updating: nil, to: object, write("kubectl-create")) }
        var live = object
        live[path: "metadata", "managedFields"] = ServerSideApply.managedFields(
            updating: nil, to: object, write("kubectl-create"))
        var scaled = live
        scaled[path: "spec", "replicas"] = 9
        measure("update by the owner") { ServerSideApply.managedFields(updating: live, to: scaled, write("kubectl-create")) }
        measure("update by another") { ServerSideApply.managedFields(updating: live, to: scaled, write("hpa")) }
        var status = live
        status["status"] = ["replicas": 3, "readyReplicas": 1, "observedGeneration": 1]
        measure("status") { ServerSideApply.managedFields(updating: live, to: status, write("c", subresource: "status")) }
        measure("nothing") { ServerSideApply.managedFields(updating: live, to: live, write("c")) }
    }
}
