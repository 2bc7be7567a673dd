import KubeObject
import Testing

@testable import KubeSchema

@Suite("Server-side apply")
struct ServerSideApplyTests {
    let deployment = Schema.builtin.type(forKind: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))

    private func apply(_ text: String, to live: JSON?, as manager: String, force: Bool = false) throws -> JSON {
        let applied = try #require(try YAML.parse(text.utf8).first)
        return try ServerSideApply.apply(
            applied, to: live, type: deployment, manager: .init(name: manager, isApply: true, apiVersion: "apps/v1"),
            hasStatus: true,
            force: force, time: "2026-01-01T00:00:00Z"
        ).object
    }

    private func update(_ live: JSON, as manager: String, _ change: (inout JSON) -> Void) -> JSON {
        var new = live
        change(&new)
        new[path: "metadata", "managedFields"] = ServerSideApply.managedFields(
            updating: live, to: new, type: deployment, manager: .init(name: manager, isApply: false, apiVersion: "apps/v1"),
            hasStatus: true, time: "2026-01-01T00:00:01Z")
        return new
    }

    private func fields(_ object: JSON, _ manager: String) -> JSON? {
        object[path: "metadata", "managedFields"]?.elements.first { $0["manager"]?.string == manager }?["fieldsV1"]
    }

    static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {app: web}}
        spec:
          replicas: 2
          template:
            spec:
              containers:
              - {name: web, image: "web:1", ports: [{containerPort: 80}]}
        """

    @Test func `creating by apply books what was applied`() throws {
        let object = try apply(Self.web, to: nil, as: "ci")
        #expect(
            fields(object, "ci") == [
                "f:metadata": ["f:labels": ["f:app": [:]]],
                "f:spec": [
                    "f:replicas": [:],
                    "f:template": [
                        "f:spec": [
                            "f:containers": [
                                "k:{\"name\":\"web\"}": [
                                    ".": [:], "f:image": [:], "f:name": [:],
                                    "f:ports": [
                                        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": [".": [:], "f:containerPort": [:]]
                                    ],
                                ]
                            ]
                        ]
                    ],
                ],
            ])
    }

    @Test func `a change of another's field is a conflict that says whose it is`() throws {
        let live = try apply(Self.web, to: nil, as: "ci")
        do {
            _ = try apply(Self.web.replacing("replicas: 2", with: "replicas: 3"), to: live, as: "ops")
            Issue.record("no conflict")
        } catch let error as StatusError {
            #expect(error.code == 409)
            #expect(error.message == "Apply failed with 1 conflict: conflict with \"ci\": .spec.replicas")
            #expect(
                error.details?["causes"] == [
                    ["reason": "FieldManagerConflict", "message": "conflict with \"ci\"", "field": ".spec.replicas"]
                ])
        }
        let forced = try apply(Self.web.replacing("replicas: 2", with: "replicas: 3"), to: live, as: "ops", force: true)
        #expect(forced[path: "spec", "replicas"] == 3)
        #expect(fields(forced, "ci")?[path: "f:spec", "f:replicas"] == nil)
        #expect(fields(forced, "ops")?[path: "f:spec", "f:replicas"] == [:])
    }

    @Test func `the same value is shared, not a conflict`() throws {
        let live = try apply(Self.web, to: nil, as: "ci")
        let both = try apply(Self.web, to: live, as: "ops")
        #expect(fields(both, "ci") != nil && fields(both, "ops") != nil)
    }

    @Test func `what is no longer applied goes, unless another owns it`() throws {
        var live = try apply(Self.web, to: nil, as: "ci")
        live = update(live, as: "kubectl-edit") { $0[path: "metadata", "labels", "tier"] = "front" }
        let without = try apply(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              template:
                spec:
                  containers:
                  - {name: web, image: "web:1"}
            """, to: live, as: "ci")
        #expect(without[path: "metadata", "labels"] == ["tier": "front"])
        #expect(without[path: "spec", "replicas"] == nil)
        #expect(without[path: "spec", "template", "spec", "containers"] == [["name": "web", "image": "web:1"]])
    }

    @Test func `list elements are merged by their keys and keep their order`() throws {
        var live = try apply(Self.web, to: nil, as: "ci")
        live = update(live, as: "injector") { tree in
            var containers = tree[path: "spec", "template", "spec", "containers"]?.elements ?? []
            containers.append(["name": "sidecar", "image": "side:1"])
            tree[path: "spec", "template", "spec", "containers"] = .array(containers)
        }
        let again = try apply(Self.web.replacing("web:1", with: "web:2"), to: live, as: "ci")
        let names = again[path: "spec", "template", "spec", "containers"]?.elements.compactMap { $0["name"]?.string }
        #expect(names == ["web", "sidecar"])
        #expect(again[path: "spec", "template", "spec", "containers"]?[0]?["image"] == "web:2")
        #expect(
            fields(again, "injector")?[path: "f:spec", "f:template", "f:spec", "f:containers"]
                == ["k:{\"name\":\"sidecar\"}": [".": [:], "f:image": [:], "f:name": [:]]])
    }

    @Test func `an update takes fields over and can clear the books`() throws {
        let live = try apply(Self.web, to: nil, as: "ci")
        let scaled = update(live, as: "kubectl-scale") { $0[path: "spec", "replicas"] = 5 }
        #expect(fields(scaled, "ci")?[path: "f:spec", "f:replicas"] == nil)
        #expect(fields(scaled, "kubectl-scale") == ["f:spec": ["f:replicas": [:]]])
        let cleared = update(scaled, as: "x") { $0[path: "metadata", "managedFields"] = [[:]] }
        #expect(cleared[path: "metadata", "managedFields"] == nil)
    }

    @Test func `the first apply to an object without books respects who was there`() throws {
        var live = try apply(Self.web, to: nil, as: "ci")
        live[path: "metadata", "managedFields"] = nil
        #expect(throws: StatusError.self) {
            try apply(Self.web.replacing("replicas: 2", with: "replicas: 3"), to: live, as: "ci")
        }
    }

    @Test func `applying the same again changes nothing`() throws {
        let live = try apply(Self.web, to: nil, as: "ci")
        let applied = try #require(try YAML.parse(Self.web.utf8).first)
        let result = try ServerSideApply.apply(
            applied, to: live, type: deployment, manager: .init(name: "ci", isApply: true, apiVersion: "apps/v1"),
            hasStatus: true,
            force: false, time: "2027-01-01T00:00:00Z")
        #expect(!result.isChanged)
        #expect(result.object == live)
    }

    @Test func `many updaters are put together`() throws {
        var live: JSON = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"]]
        for index in 0..<20 { live = update(live, as: "m\(index)") { $0[path: "metadata", "annotations", "a\(index)"] = "x" } }
        let managers = live[path: "metadata", "managedFields"]?.elements.compactMap { $0["manager"]?.string } ?? []
        #expect(managers.count == 11 || managers.count == 10)
        #expect(managers.contains("ancient-changes"))
    }

    @Test func `field sets survive their JSON form`() throws {
        let text = #"{"f:a":{".":{},"f:b":{}},"f:c":{},"k:{\"name\":\"x\"}":{"f:d":{}},"v:\"s\"":{},"i:3":{}}"#
        let json = try JSON(parsing: text.utf8)
        #expect(FieldSet(fieldsV1: json).fieldsV1 == json)
    }
}
