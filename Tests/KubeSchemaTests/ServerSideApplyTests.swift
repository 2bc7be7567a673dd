import KubeObject
import Testing

@testable import KubeSchema

@Suite("Server-side apply")
struct ServerSideApplyTests {
    let deployment = Schema.builtin.type(forKind: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))

    private func apply(_ text: String, to live: JSON?, as manager: String, force: Bool = false) throws -> JSON {
        let applied = try #require(try YAML.parse(text.utf8).first)
        return try ServerSideApply.apply(applied, to: live, write(manager, isApply: true), force: force).object
    }

    private func write(_ manager: String, isApply: Bool, time: String = "2026-01-01T00:00:00Z") -> ServerSideApply.Write {
        .init(
            type: deployment, manager: .init(name: manager, isApply: isApply, apiVersion: "apps/v1"),
            reset: FieldSet(paths: [["status"]]), time: time)
    }

    private func update(_ live: JSON, as manager: String, _ change: (inout JSON) -> Void) -> JSON {
        var new = live
        change(&new)
        new[path: "metadata", "managedFields"] = ServerSideApply.managedFields(
            updating: live, to: new, write(manager, isApply: false, time: "2026-01-01T00:00:01Z"))
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
            applied, to: live, write("ci", isApply: true, time: "2027-01-01T00:00:00Z"), force: false)
        #expect(!result.isChanged)
        #expect(result.object == live)
    }

    @Test func `many updaters are put together`() throws {
        var live = create(["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "labels": ["a": "b"]]])
        for index in 0..<20 { live = update(live, as: "m\(index)") { $0[path: "metadata", "annotations", "a\(index)"] = "x" } }
        let managers = live[path: "metadata", "managedFields"]?.elements.compactMap { $0["manager"]?.string } ?? []
        #expect(managers.count == 10)
        #expect(managers.contains("ancient-changes"))
        let all = live[path: "metadata", "managedFields"]?.elements.reduce(FieldSet()) {
            $0.union(FieldSet(fieldsV1: $1["fieldsV1"] ?? [:]))
        }
        for index in 0..<20 {
            #expect(all?.contains([.field("metadata"), .field("annotations"), .field("a\(index)")]) == true)
        }
    }

    private func create(_ object: JSON, as manager: String = "kubectl-create") -> JSON {
        var new = (try? deployment?.decode(object).tree) ?? object
        new[path: "metadata", "managedFields"] = ServerSideApply.managedFields(
            updating: nil, to: new, write(manager, isApply: false))
        return new
    }

    /// As `kubectl create` leaves it on an upstream server, with the fields that are defaulted there set here.
    @Test func `creating books everything that an empty object hasn't got`() throws {
        let object = try #require(
            try YAML.parse(
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web, labels: {app: web}}
                spec:
                  replicas: 1
                  selector: {matchLabels: {app: web}}
                  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
                  template:
                    metadata: {labels: {app: web}}
                    spec:
                      securityContext: {}
                      containers:
                      - {name: web, image: "web:1", ports: [{containerPort: 80, protocol: TCP}], command: [a, b]}
                status: {replicas: 3}
                """.utf8
            ).first)
        #expect(
            fields(create(object), "kubectl-create") == [
                "f:metadata": ["f:labels": [".": [:], "f:app": [:]]],
                "f:spec": [
                    "f:replicas": [:], "f:selector": [:],
                    "f:strategy": ["f:rollingUpdate": [".": [:], "f:maxSurge": [:]], "f:type": [:]],
                    "f:template": [
                        "f:metadata": ["f:labels": [".": [:], "f:app": [:]]],
                        "f:spec": [
                            "f:securityContext": [:],
                            "f:containers": [
                                "k:{\"name\":\"web\"}": [
                                    ".": [:], "f:command": [:], "f:image": [:], "f:name": [:], "f:resources": [:],
                                    "f:ports": [
                                        ".": [:],
                                        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": [
                                            ".": [:], "f:containerPort": [:], "f:protocol": [:],
                                        ],
                                    ],
                                ]
                            ],
                        ],
                    ],
                ],
            ])
    }

    @Test func `an update changes what it must in the books, and its own time`() throws {
        let live = create(["metadata": ["name": "web", "labels": ["a": "1", "b": "2"]], "spec": ["replicas": 1]])
        func times(_ object: JSON) -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: (object[path: "metadata", "managedFields"]?.elements ?? []).map {
                    ($0["manager"]?.string ?? "", $0["time"]?.string ?? "")
                })
        }
        let own = update(live, as: "kubectl-create") { $0[path: "spec", "replicas"] = 2 }
        #expect(times(own) == ["kubectl-create": "2026-01-01T00:00:01Z"])
        #expect(fields(own, "kubectl-create") == fields(live, "kubectl-create"))
        let others = update(live, as: "hpa") { $0[path: "spec", "replicas"] = 2 }
        #expect(times(others) == ["kubectl-create": "2026-01-01T00:00:00Z", "hpa": "2026-01-01T00:00:01Z"])
        #expect(fields(others, "kubectl-create")?[path: "f:spec", "f:replicas"] == nil)
        // Who only takes away owns nothing by that.
        let removed = update(live, as: "cleaner") { $0[path: "metadata", "labels", "b"] = nil }
        #expect(times(removed) == ["kubectl-create": "2026-01-01T00:00:00Z"])
        #expect(fields(removed, "kubectl-create")?[path: "f:metadata", "f:labels"] == [".": [:], "f:a": [:]])
        #expect(update(live, as: "same") { _ in } == live)
    }

    @Test func `a client may hand back the books, not make them up`() throws {
        let live = create(["metadata": ["name": "web"], "spec": ["replicas": 1]])
        let entry: JSON = [
            "manager": "x", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": ["f:spec": ["f:replicas": [:]]],
        ]
        func replaced(_ change: (inout JSON) -> Void) -> JSON? {
            update(live, as: "editor") {
                var entry = entry
                change(&entry)
                $0[path: "metadata", "managedFields"] = [entry]
            }[path: "metadata", "managedFields"]
        }
        #expect(replaced { _ in } == [entry])
        let known = live[path: "metadata", "managedFields"]
        #expect(replaced { $0["operation"] = "Guess" } == known)
        #expect(replaced { $0["apiVersion"] = nil } == known)
        #expect(replaced { $0["fieldsType"] = "FieldsV2" } == known)
        #expect(replaced { $0["fieldsV1"] = ["x": [:]] } == known)
        #expect(update(live, as: "editor") { $0[path: "metadata", "managedFields"] = nil } == live)
        // Cleared, nobody keeps books any more, until somebody applies.
        var cleared = update(live, as: "editor") { $0[path: "metadata", "managedFields"] = [] }
        #expect(cleared[path: "metadata", "managedFields"] == nil)
        cleared = update(cleared, as: "editor") { $0[path: "spec", "replicas"] = 7 }
        #expect(cleared[path: "metadata", "managedFields"] == nil)
    }

    @Test func `several conflicts are listed by manager`() throws {
        var live = try apply(Self.web, to: nil, as: "ci")
        live = update(live, as: "kubectl-edit") { $0[path: "spec", "paused"] = true }
        do {
            _ = try apply(
                Self.web.replacing("replicas: 2", with: "replicas: 3\n  paused: false").replacing("web:1", with: "web:2"),
                to: live, as: "ops")
            Issue.record("no conflict")
        } catch let error as StatusError {
            #expect(
                error.message == """
                    Apply failed with 3 conflicts: conflicts with "ci":
                    - .spec.replicas
                    - .spec.template.spec.containers[name="web"].image
                    conflicts with "kubectl-edit" using apps/v1:
                    - .spec.paused
                    """)
        }
    }

    @Test func `kubectl takes over what it had applied from the client's side`() throws {
        var live = create(
            ["metadata": ["name": "web"], "spec": ["replicas": 2, "paused": true]], as: "kubectl-client-side-apply")
        live = update(live, as: "kubectl-client-side-apply") {
            $0[path: "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"] =
                #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":2}}"#
        }
        let wish = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}"
        #expect(throws: StatusError.self) { try apply(wish, to: live, as: "other") }
        let taken = try apply(wish, to: live, as: "kubectl")
        #expect(taken[path: "spec", "replicas"] == 3 && fields(taken, "kubectl")?["f:spec"] == ["f:replicas": [:]])
        #expect(throws: StatusError.self) {
            try apply(wish.replacing("replicas: 3", with: "paused: false"), to: live, as: "kubectl")
        }
    }

    @Test(arguments: [
        ("spec: {nope: 1}", ".spec.nope: field not declared in schema"),
        ("spec: {replicas: many}", ".spec.replicas: expected numeric (int or float), got string"),
        ("spec: {paused: 1}", ".spec.paused: expected boolean, got &{1}"),
        ("spec: []", ".spec: expected map, got &{[]}"),
        (
            "metadata: {name: web, labels: {a: 1}}",
            ".metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}"
        ),
        ("spec: {template: {spec: {containers: {}}}}", ".spec.template.spec.containers: expected list, got &{map[]}"),
        (
            "spec: {template: {spec: {containers: [{name: a}, {name: a}]}}}",
            ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]"
        ),
        (
            "spec: {template: {spec: {containers: [{image: a}]}}}",
            ".spec.template.spec.containers: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have default values for any key fields)"
        ),
        ("nope: 1\nspec: {replicas: x}", ".nope: field not declared in schema"),
        (
            "spec: {replicas: x, paused: x}",
            "errors:\n  .spec.paused: expected boolean, got &{x}\n  .spec.replicas: expected numeric (int or float), got string"
        ),
    ])
    func `an apply has to have its type's shape`(_ yaml: String, _ problem: String) throws {
        let text =
            "apiVersion: apps/v1\nkind: Deployment\n" + (yaml.hasPrefix("metadata") ? "" : "metadata: {name: web}\n") + yaml
        do {
            _ = try apply(text, to: nil, as: "ci")
            Issue.record("no refusal")
        } catch let error as StatusError {
            #expect(error.code == 500 && error.reason == "")
            #expect(
                error.message == "failed to create typed patch object (/web; apps/v1, Kind=Deployment): \(problem)")
        }
    }

    @Test func `elements of the live list keep their places between the applied ones`() {
        let shape = ApplyShape.set
        func merged(_ live: JSON, _ applied: JSON) -> JSON? { ApplyMerge.merge(live, applied, shape) }
        #expect(merged(["a", "b", "c"], ["c", "a"]) == ["b", "c", "a"])
        #expect(merged(["a", "x", "b"], ["a", "b"]) == ["a", "x", "b"])
        #expect(merged(["a"], ["b", "a"]) == ["b", "a"])
        #expect(merged(["a", "a", "b"], ["a", "c"]) == ["a", "b", "c"])
        #expect(merged([], ["a"]) == ["a"])
    }

    @Test func `field sets survive their JSON form`() throws {
        let text = #"{"f:a":{".":{},"f:b":{}},"f:c":{},"k:{\"name\":\"x\"}":{"f:d":{}},"v:\"s\"":{},"i:3":{}}"#
        let json = try JSON(parsing: text.utf8)
        #expect(FieldSet(fieldsV1: json).fieldsV1 == json)
    }
}
