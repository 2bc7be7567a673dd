import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import Testing

@testable import KubeAPI

/// The verbs, their codes, and what malformed requests are told.
struct VerbTests {
    @Test func objectGoesThroughItsLife() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            try await server.createNamespacedConfigMap("a")
            let got = try await server.send(.get, path + "/a")
            #expect(got.status == 200)
            #expect(got.json["data"] == ["a": "b"])
            #expect(got.headers[.contentType] == "application/json")
            #expect(got.headers[.auditID]?.isEmpty == false)

            var changed = got.json
            changed["data"] = ["a": "c"]
            #expect(try await server.send(.put, path + "/a", body: changed).json["data"] == ["a": "c"])
            let stale = try await server.send(.put, path + "/a", body: changed)
            #expect(stale.status == 409)
            #expect(stale.json["reason"] == "Conflict")

            for (type, patch) in [
                ("application/merge-patch+json", #"{"data":{"m":"1"}}"#),
                ("application/strategic-merge-patch+json", #"{"data":{"s":"1"}}"#),
                ("application/json-patch+json", #"[{"op":"add","path":"/data/j","value":"1"}]"#),
            ] {
                let patched = try await server.send(.patch, path + "/a", raw: patch, headers: [.contentType: type])
                #expect(patched.status == 200, "\(patched.text)")
            }
            let merged = try await server.send(.get, path + "/a").json
            #expect(merged["data"] == ["a": "c", "m": "1", "s": "1", "j": "1"])

            let deleted = try await server.send(.delete, path + "/a")
            #expect(deleted.status == 200)
            #expect(deleted.json["status"] == "Success")
            let gone = try await server.send(.get, path + "/a")
            #expect(gone.status == 404)
            #expect(gone.message == #"configmaps "a" not found"#)
        }
    }

    @Test func dryRunStoresNothing() async throws {
        try await TestServer.run { server in
            let body: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "dry"]]
            let path = "/api/v1/namespaces/default/configmaps"
            #expect(try await server.send(.post, path + "?dryRun=All", body: body).status == 201)
            #expect(try await server.send(.get, path + "/dry").status == 404)
            let bad = try await server.send(.post, path + "?dryRun=Some", body: body)
            #expect(bad.status == 422)
            #expect(bad.message.contains(#"dryRun: Unsupported value: ["Some"]: supported values: "All""#), "\(bad.message)")
        }
    }

    @Test func badRequestsGetUpstreamsStatus() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            let malformed = try await server.send(.post, path, raw: "{", headers: [.contentType: "application/json"])
            #expect(malformed.status == 400)
            #expect(malformed.json["reason"] == "BadRequest")
            let yaml = try await server.send(.post, path, raw: "a: [", headers: [.contentType: "application/yaml"])
            #expect(yaml.status == 400)
            let cbor = try await server.send(.post, path, raw: "x", headers: [.contentType: "application/cbor"])
            #expect(cbor.status == 415)
            #expect(cbor.json["reason"] == "UnsupportedMediaType")
            let patch = try await server.send(.patch, path + "/x", raw: "x", headers: [.contentType: "text/plain"])
            #expect(patch.status == 415)
            let accept = try await server.send(.get, path, headers: [.accept: "application/cbor"])
            #expect(accept.status == 406)
            let fallback = try await server.send(
                .get, path, headers: [.accept: "application/vnd.kubernetes.protobuf,application/json"])
            #expect(fallback.status == 200)
            let large = try await server.send(.post, path, raw: String(repeating: " ", count: (3 << 20) + 1))
            #expect(large.status == 413)
            #expect(large.json["reason"] == "RequestEntityTooLarge")
            let selector = try await server.send(.get, path + "?labelSelector=a%20b%20c")
            #expect(selector.status == 400)
            #expect(try await server.send(.get, "/api/v1/nothings").status == 404)
            #expect(try await server.send(.get, "/apis/no.such/v1/things").status == 404)
            #expect(try await server.send(.post, "/api/v1/configmaps", body: [:]).status == 405)
            #expect(try await server.send(.get, "/api/v1/configmaps/a").status == 404)
            #expect(try await server.send(.get, "/nowhere").status == 404)
        }
    }

    /// Upstream's own groups say so in a Status; elsewhere only the last handler is left, which knows plain text.
    @Test(arguments: [
        ("/api/v1/nothings", true), ("/api/v9", true), ("/apis/apps/v9/things", true), ("/apis/no.such/v1/things", false),
        ("/apis/no.such", false), ("/apis/no.such/v1", false),
    ])
    func pathsToNothing(_ path: String, _ isStatus: Bool) async throws {
        try await TestServer.run { server in
            let result = try await server.send(.get, path)
            #expect(result.status == 404)
            if isStatus {
                #expect(result.message == "the server could not find the requested resource")
            } else {
                #expect(result.text == "404 page not found\n")
            }
        }
    }

    @Test func whatHasNoNameCanNotBeChanged() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            #expect(try await server.send(.put, path, body: [:]).status == 405)
            let patch = try await server.send(.patch, path, raw: "{}", headers: [.contentType: "application/merge-patch+json"])
            #expect(patch.status == 405)
        }
    }

    @Test(arguments: [
        ("/apis/apps/v1/namespaces/default/deployments/none/scale", "deployments/scale.apps"),
        ("/api/v1/namespaces/default/replicationcontrollers/none/scale", "replicationcontrollers/scale.autoscaling"),
    ])
    func scalesOfWhatIsNotThere(_ path: String, _ resource: String) async throws {
        try await TestServer.run { server in
            let result = try await server.send(.get, path)
            #expect(result.status == 404 && result.message == "\(resource) \"none\" not found")
        }
    }

    @Test func bindingsNameTheirPod() async throws {
        try await TestServer.run { server in
            let result = try await server.send(
                .post, "/api/v1/namespaces/default/pods/p/binding", body: ["target": ["name": "n"]])
            #expect(result.status == 400 && result.message == "name in URL does not match name in Binding object")
        }
    }

    @Test func listsHeedNoTimeoutButNonsense() async throws {
        try await TestServer.run { server in
            let result = try await server.send(.get, "/api/v1/configmaps?timeoutSeconds=x")
            #expect(result.status == 400 && result.message == #"strconv.ParseInt: parsing "x": invalid syntax"#)
        }
    }

    @Test func listsAreJoinedFromStoredBytes() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            for index in 0..<5 {
                try await server.createNamespacedConfigMap(
                    "c\(index)", data: ["kind": "x", "z": #"{"kind":"ConfigMap","#], labels: ["odd": index % 2 == 1 ? "1" : "0"])
            }
            let all = try await server.send(.get, path)
            #expect(all.json["kind"] == "ConfigMapList")
            let items = all.json["items"]?.elements ?? []
            #expect(items.count == 6)
            #expect(items.allSatisfy { $0["kind"] == nil && $0["apiVersion"] == nil })
            #expect(items[0]["data"] == ["kind": "x", "z": #"{"kind":"ConfigMap","#])
            #expect(try await server.send(.get, path + "?labelSelector=odd%3D1").json["items"]?.elements.count == 2)
            #expect(try await server.send(.get, path + "?fieldSelector=metadata.name%3Dc3").json["items"]?.elements.count == 1)

            let first = try await server.send(.get, path + "?limit=2").json
            #expect(first["items"]?.elements.count == 2)
            #expect(first["metadata"]?["remainingItemCount"] == 4)
            let token = try #require(first["metadata"]?["continue"]?.string)
            let second = try await server.send(.get, path + "?limit=10&continue=" + token).json
            #expect(second["items"]?.elements.count == 4)

            let yaml = try await server.send(.get, path + "/c0", headers: [.accept: "application/yaml"])
            #expect(yaml.text.contains("kind: ConfigMap"))
            let pretty = try await server.send(.get, path + "/c0?pretty=true")
            #expect(pretty.text.contains("\n  \"kind\": \"ConfigMap\""), "\(pretty.text)")
            let table = try await server.send(
                .get, path, headers: [.accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"]
            ).json
            #expect(table["kind"] == "Table")
            #expect(table["rows"]?.elements.count == 6)
            #expect(table["rows"]?[0]?["object"]?["kind"] == "PartialObjectMetadata")
            let partial = try await server.send(
                .get, path, headers: [.accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"]
            ).json
            #expect(partial["kind"] == "PartialObjectMetadataList")
            #expect(partial["items"]?[0]?["data"] == nil)
        }
    }

    @Test func protobufGoesBothWays() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            let tree: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "p"], "data": ["a": "b"]]
            let response = await server.api.respond(
                to: APIRequest(
                    method: .post, target: "/clusters/demo" + path,
                    headers: [
                        .authorization: "Bearer \(server.adminToken("demo"))", .contentType: Protobuf.mediaType,
                        .accept: Protobuf.mediaType,
                    ], body: RequestBody(try Protobuf.encode(tree, schema: .builtin))))
            #expect(response.status == 201)
            #expect(response.headers[.contentType] == Protobuf.mediaType)
            for target in [path + "/p", path] {
                let got = try await server.send(.get, target, headers: [.accept: Protobuf.mediaType])
                let decoded = try Protobuf.decode(got.bytes, schema: .builtin)
                #expect((decoded["items"]?.elements.last ?? decoded)["data"] == ["a": "b"])
            }
            let garbage = try await server.send(.post, path, raw: "k8s", headers: [.contentType: Protobuf.mediaType])
            #expect(garbage.status == 400)
            let watched = try await server.send(
                .get, path + "?watch=true&timeoutSeconds=1", headers: [.accept: Protobuf.mediaType])
            #expect(watched.headers[.contentType] == Protobuf.mediaType + ";stream=watch")
            #expect(watched.bytes.count > 100)
        }
    }

    @Test func unreadableBodiesAreToldByTheirBeginning() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            let start = "the object provided is unrecognized (must be of type ConfigMap): "
            func message(_ body: String, _ type: String = "application/json") async throws -> String {
                try await server.send(.post, path, raw: body, headers: [.contentType: type]).message
            }
            let end = start + "couldn't get version/kind; json parse error: unexpected end of JSON input "
            let empty = try await message("")
            #expect(empty == end + "(<empty>)")
            let cut = try await message(#"{"kind":"ConfigMap","metadata":{"name":"a"}"#)
            #expect(cut == end + #"({"kind":"ConfigMap","metadata" ...)"#)
            #expect(try await message("[]").hasSuffix(#"Kind string "json:\"kind,omitempty\"" } (5b5d)"#))
            let yaml = try await message("a: [", "application/yaml")
            #expect(yaml == start + "yaml: line 1: did not find expected node content (613a205b)")
            let protobuf = try await message("k8s", Protobuf.mediaType)
            #expect(
                protobuf == start
                    + "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (6b3873)")
        }
    }

    @Test(arguments: [
        (
            "json", #"{"op":"add"}"#, 400,
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        ),
        (
            "json", #"["a"]"#, 400,
            "error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp"
        ),
        (
            "json", #"[{"op":1}]"#, 400,
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"
        ),
        ("json", "", 400, "error decoding patch: unexpected end of JSON input"),
        (
            "json", #"[{"op":"test","path":"/data/a","value":"x"}]"#, 422,
            "the server rejected our request due to an error in our request"
        ),
        (
            "json", #"[{"op":"remove","path":"/data/none"}]"#, 422,
            "the server rejected our request due to an error in our request"
        ),
        ("merge", "[]", 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("merge", "{", 400, "error decoding patch: unexpected end of JSON input"), ("merge", "null", 400, "Invalid JSON Patch"),
        ("json", "null", 200, ""),
        ("strategic-merge", "[]", 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("merge", #"{"metadata":{"name":"b"}}"#, 400, "the name of the object (b) does not match the name on the URL (a)"),
        (
            "merge", #"{"metadata":{"uid":"b"}}"#, 422,
            "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"b\": field is immutable"
        ),
        ("merge", "{}", 200, ""), ("json", "[]", 200, ""), ("strategic-merge", "{}", 200, ""),
    ])
    func patchesAreRefusedInUpstreamsWords(_ type: String, _ body: String, _ code: Int, _ message: String) async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let result = try await server.send(
                .patch, "/api/v1/namespaces/default/configmaps/a", raw: body,
                headers: [.contentType: "application/\(type)-patch+json"])
            #expect(result.status == code, "\(result.text)")
            if code != 200 { #expect(result.message == message) }
        }
    }

    /// Upstream reads a patch when it has the object; an apply makes one, so there it must be read first.
    @Test(arguments: [
        ("json-patch+json", 404), ("merge-patch+json", 404), ("strategic-merge-patch+json", 404), ("apply-patch+yaml", 400),
    ])
    func brokenPatchesOfWhatIsNotThere(_ type: String, _ code: Int) async throws {
        try await TestServer.run { server in
            for path in [
                "/api/v1/namespaces/default/configmaps/none", "/apis/apps/v1/namespaces/default/deployments/none/status",
            ] {
                let result = try await server.send(
                    .patch, path + (code == 400 ? "?fieldManager=a" : ""), raw: "{nonsense",
                    headers: [.contentType: "application/\(type)"])
                #expect(result.status == code, "\(result.text)")
            }
        }
    }

    @Test func patchesMayHaveTooManyOperations() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let operation = #"{"op":"test","path":"/data/a","value":"b"}"#
            func send(_ count: Int) async throws -> TestServer.Result {
                try await server.send(
                    .patch, "/api/v1/namespaces/default/configmaps/a",
                    raw: "[" + Array(repeating: operation, count: count).joined(separator: ",") + "]",
                    headers: [.contentType: "application/json-patch+json"])
            }
            #expect(try await send(10_000).status == 200)
            let tooMany = try await send(10_001)
            #expect(
                tooMany.status == 413
                    && tooMany.message == "The allowed maximum operations in a JSON patch is 10000, got 10001")
        }
    }

    @Test func whatIsWrongWithAPatchIsWarnedOfOrRefused() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let path = "/api/v1/namespaces/default/configmaps/a"
            for (type, body, warnings) in [
                (
                    "merge", #"{"data":{"x":"1","x":"2"},"datum":{}}"#, [#"duplicate field "data.x""#, #"unknown field "datum""#]
                ),
                (
                    "strategic-merge", #"{"data":{"x":"3","x":"4"},"metadata":{"nope":1}}"#,
                    [#"duplicate field "data.x""#, #"unknown field "metadata.nope""#]
                ),
                (
                    "json", #"[{"op":"add","path":"/data/y","value":"1","extra":true,"op":"add"}]"#,
                    [#"json patch unknown field "[0].extra""#, #"json patch duplicate field "[0].op""#]
                ),
            ] {
                func send(_ validation: String) async throws -> TestServer.Result {
                    try await server.send(
                        .patch, path + "?fieldValidation=\(validation)", raw: body,
                        headers: [.contentType: "application/\(type)-patch+json"])
                }
                let warned = try await send("Warn")
                #expect(warned.status == 200 && warned.headers[values: .warning] == WarningHeader.values(warnings))
                #expect(try await send("Ignore").headers[values: .warning] == [])
                let strict = try await send("Strict")
                #expect(
                    strict.status == 422
                        && strict.message.hasSuffix(": strict decoding error: \(warnings.joined(separator: ", "))"),
                    "\(strict.text)")
            }
        }
    }

    @Test func managersAreNamedOrTheProgram() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            func manager(_ name: String, _ query: String = "", agent: String) async throws -> String? {
                let created = try await server.send(
                    .post, path + query,
                    body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": ["a": "b"]],
                    headers: [.userAgent: agent])
                return created.json[path: "metadata", "managedFields"]?[0]?["manager"]?.string
            }
            #expect(try await manager("a", agent: "kubectl/v1.36.0 (linux/amd64)") == "kubectl")
            #expect(try await manager("b", "?fieldManager=me", agent: "kubectl/v1.36.0") == "me")
            #expect(try await manager("c", agent: "") == "unknown")
            #expect(try await manager("d", agent: String(repeating: "x", count: 200))?.count == 128)
            let long = try await server.send(.post, path + "?fieldManager=" + String(repeating: "x", count: 129), body: [:])
            #expect(long.message.contains("fieldManager: Too long: may not be more than 128 bytes"), "\(long.message)")
            let odd = try await server.send(.post, path + "?fieldManager=a%07b", body: [:])
            #expect(
                odd.message
                    == "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\ab\": invalid character U+0007 (at position 1)"
            )
        }
    }

    @Test func deletionsAreCheckedInUpstreamsWords() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let path = "/api/v1/namespaces/default/configmaps/a"
            func delete(_ options: JSON) async throws -> String {
                try await server.send(.delete, path, body: options).message
            }
            #expect(
                try await delete(["propagationPolicy": "Sometimes"])
                    == "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Sometimes\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            )
            #expect(
                try await delete(["preconditions": ["uid": "x"]]).hasPrefix(
                    "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (x) does not match the UID in record"
                ))
            #expect(
                try await delete(["preconditions": ["resourceVersion": "1"]]).hasPrefix(
                    "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition (1) does not match"
                ))
            #expect(
                try await delete(["propagationPolicy": "Orphan", "orphanDependents": true]).contains(
                    "orphanDependents and deletionPropagation cannot be both set"))
            let list = try await server.send(.delete, "/api/v1/namespaces/default/configmaps")
            #expect(list.json["kind"] == "ConfigMapList" && list.json["items"]?[0]?["kind"] == nil)
        }
    }

    @Test(arguments: [
        ("continue=%21", "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"),
        (
            "continue=eyJ2IjoidjIifQ",
            "invalid continue token: continue key is not valid: server does not recognize this encoded version v2"
        ),
        (
            "resourceVersion=x",
            "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax"
        ),
        ("watch=1&resourceVersion=x", "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax"),
        ("fieldSelector=a", "invalid selector: 'a'; can't understand 'a'"),
        ("labelSelector=a+b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("labelSelector=a+in+(b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("limit=x", "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            "resourceVersionMatch=Exact",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
        ),
        (
            "resourceVersionMatch=Old&resourceVersion=1",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Old\": supported values: \"Exact\", \"NotOlderThan\", \"\""
        ),
        (
            "sendInitialEvents=true",
            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"
        ),
        (
            "watch=1&sendInitialEvents=true",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        ),
        (
            "watch=1&resourceVersionMatch=NotOlderThan",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        ),
    ])
    func listsAreRefusedInUpstreamsWords(_ query: String, _ message: String) async throws {
        try await TestServer.run { server in
            let refused = try await server.send(.get, "/api/v1/namespaces/default/configmaps?\(query)")
            #expect(refused.message == message)
        }
    }

    @Test func longListsAreStreamed() async throws {
        try await TestServer.run { server in
            for index in 0..<8 {
                try await server.createNamespacedConfigMap(
                    "c\(index)", data: ["a": .string(String(repeating: "x", count: 60_000))])
            }
            let all = try await server.send(.get, "/api/v1/configmaps")
            #expect(all.bytes.count > 480_000)
            #expect((all.json["items"]?.elements.count ?? 0) >= 8)
        }
    }

    @Test func collectionIsDeleted() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            for name in ["a", "b"] { try await server.createNamespacedConfigMap(name, labels: ["x": "y"]) }
            #expect(try await server.send(.delete, path + "?labelSelector=x%3Dy").status == 200)
            #expect(try await server.send(.get, path + "?labelSelector=x%3Dy").json["items"]?.elements.isEmpty == true)
        }
    }

    @Test func duplicateFieldsWarnOrFail() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            func body(_ name: String) -> String {
                #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)"},"data":{"a":"1","a":"2"}}"#
            }
            let warned = try await server.send(.post, path, raw: body("w"))
            #expect(warned.status == 201)
            #expect(warned.headers[.warning] == #"299 - "duplicate field \"data.a\"""#, "\(warned.headers)")
            #expect(try await server.send(.post, path + "?fieldValidation=Strict", raw: body("s")).status == 400)
            let ignored = try await server.send(.post, path + "?fieldValidation=Ignore", raw: body("i"))
            #expect(ignored.headers[.warning] == nil)
            // Whoever fails is warned as well.
            let again = try await server.send(.post, path, raw: body("w"))
            #expect(again.status == 409 && again.headers[.warning] == #"299 - "duplicate field \"data.a\"""#)
            let both = try await server.send(
                .post, path + "?fieldValidation=Strict", raw: body("s").replacing("\"data\"", with: "\"datum\":1,\"data\""))
            #expect(both.message.hasSuffix(#"strict decoding error: unknown field "datum", duplicate field "data.a""#))
        }
    }

    @Test func keysThatStandTwiceInYAMLWarnOrFail() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            func body(_ name: String) -> String {
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \(name)\n  labels: {a: b, a: c}\ndata:\n  x: a\n  x: b\n"
            }
            let yaml: HTTPFields = [.contentType: "application/yaml"]
            let warned = try await server.send(.post, path, raw: body("w"), headers: yaml)
            #expect(warned.status == 201 && warned.json["data"] == ["x": "b"])
            #expect(
                warned.headers[values: .warning] == [
                    #"299 - "line 5: key \"a\" already set in map""#, #"299 - "line 8: key \"x\" already set in map""#,
                ])
            let strict = try await server.send(.post, path + "?fieldValidation=Strict", raw: body("s"), headers: yaml)
            let problem =
                "yaml: unmarshal errors:\n  line 5: key \"a\" already set in map\n  line 8: key \"x\" already set in map"
            #expect(
                strict.message
                    == "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: \(problem)")
            let ignored = try await server.send(.post, path + "?fieldValidation=Ignore", raw: body("i"), headers: yaml)
            #expect(ignored.status == 201 && ignored.headers[.warning] == nil)

            // An apply is refused for its form when nothing else is wrong.
            let apply: HTTPFields = [.contentType: "application/apply-patch+yaml"]
            let query = "?fieldManager=m&force=true"
            let applied = try await server.send(.patch, path + "/w" + query, raw: body("w"), headers: apply)
            #expect(applied.status == 200 && applied.headers[values: .warning].count == 2)
            let refused = try await server.send(
                .patch, path + "/w" + query + "&fieldValidation=Strict", raw: body("w"), headers: apply)
            #expect(
                refused.status == 400
                    && refused.message == "error strict decoding YAML: error converting YAML to JSON: \(problem)")
        }
    }

    /// What v1.36 was seen to answer to resourceVersions that are none, or none yet.
    @Test(arguments: [
        ("abc", 500, "strconv.ParseUint: parsing \"abc\": invalid syntax"),
        ("99999999999999999999", 500, "strconv.ParseUint: parsing \"99999999999999999999\": value out of range"),
        ("-1", 500, "strconv.ParseUint: parsing \"-1\": invalid syntax"),
        ("0", 200, nil), ("", 200, nil),
        (
            "9999999", 409,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
        ),
    ])
    func writesCheckTheResourceVersion(version: String, code: Int, message: String?) async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            try await server.createNamespacedConfigMap("a", labels: [:])
            let object: JSON = [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "resourceVersion": .string(version)],
                "data": ["x": "y"],
            ]
            let put = try await server.send(.put, path + "/a", body: object)
            let applied = try await server.send(
                .patch, path + "/a?fieldManager=m&force=true", body: object,
                headers: [.contentType: "application/apply-patch+yaml"])
            let merged = try await server.send(
                .patch, path + "/a", body: object, headers: [.contentType: "application/merge-patch+json"])
            for answer in [put, applied, merged] {
                #expect(answer.status == code)
                if let message { #expect(answer.message == message) }
            }
        }
    }

    @Test(arguments: [
        ("abc", 500, "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"),
        ("9999999", 504, nil), ("0", 200, nil), ("1", 200, nil),
    ])
    func readersOfOneObjectSayHowNewItMustBe(version: String, code: Int, message: String?) async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a", labels: [:])
            let answer = try await server.send(.get, "/api/v1/namespaces/default/configmaps/a?resourceVersion=\(version)")
            #expect(answer.status == code)
            if let message { #expect(answer.message == message) }
        }
    }

    /// What v1.36 was seen to answer to bodies and queries that make no sense.
    @Test func oddRequestsAreToldAsUpstreamDoes() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            try await server.createNamespacedConfigMap("a", labels: [:])
            let nameless = try await server.send(.put, path + "/a", body: ["apiVersion": "v1", "kind": "ConfigMap"])
            #expect(nameless.status == 400)
            #expect(nameless.message == "the name of the object (a based on URL) was undeterminable: name must be provided")
            let unknown = try await server.send(.delete, path + "/a", body: ["apiVersion": "v9", "kind": "Nope"])
            #expect(unknown.status == 400)
            #expect(
                unknown.message
                    == #"no kind "Nope" is registered for version "v9" in scheme "#
                    + #""k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30""#)
            let known = try await server.send(.delete, path + "/a", body: ["apiVersion": "v1", "kind": "Pod"])
            #expect(known.message == "decoded object cannot be converted to DeleteOptions")
            for method in [HTTPRequest.Method.get, .delete] {
                let late = try await server.send(method, path + "/a?timeout=x")
                #expect(late.status == 400)
                #expect(
                    late.message == #"invalid timeout specified in the request URL - time: invalid duration "x""#)
            }
            let apply: HTTPFields = [.contentType: "application/apply-patch+yaml"]
            let both = try await server.send(.patch, path + "/a?fieldValidation=x", raw: "{}", headers: apply)
            #expect(
                both.message.hasPrefix(
                    "PatchOptions.meta.k8s.io \"\" is invalid: "
                        + "[fieldManager: Required value: is required for apply patch, fieldValidation:"
                ))
            // Types come before names; and who creates must say the name, but who changes needn't.
            func applied(_ name: String, _ metadata: JSON) async throws -> TestServer.Result {
                try await server.send(
                    .patch, path + "/\(name)?fieldManager=m",
                    body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata],
                    headers: apply)
            }
            #expect(try await applied("new", ["labels": ["x": 1], "name": "q"]).status == 500)
            #expect(try await applied("new", [:]).message.hasSuffix("was undeterminable: name must be provided"))
            #expect(
                try await applied("new", ["name": "q"]).message
                    == "the name of the object (q) does not match the name on the URL (new)")
            #expect(try await applied("a", ["labels": ["x": "y"]]).status == 200)

            #expect(try await server.send(.post, "/healthz").text == "ok")
            let version = try await server.send(.put, "/version")
            #expect(version.status == 405)
            #expect(version.message == "the server does not allow this method on the requested resource")
        }
    }

    @Test func scaleAndStatusAreSubresources() async throws {
        try await TestServer.run { server in
            let path = "/apis/apps/v1/namespaces/default/deployments"
            let deployment: JSON = [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
                "spec": [
                    "replicas": 2, "selector": ["matchLabels": ["a": "b"]],
                    "template": ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]]],
                ],
            ]
            let created = try await server.send(.post, path, body: deployment)
            #expect(created.status == 201, "\(created.text)")
            let scale = try await server.send(.get, path + "/web/scale")
            #expect(scale.json["kind"] == "Scale")
            #expect(scale.json["spec"]?["replicas"] == 2)
            let scaled = try await server.send(
                .patch, path + "/web/scale", raw: #"{"spec":{"replicas":5}}"#,
                headers: [.contentType: "application/merge-patch+json"])
            #expect(scaled.json["spec"]?["replicas"] == 5, "\(scaled.text)")
            #expect(try await server.send(.get, path + "/web").json["spec"]?["replicas"] == 5)
            #expect(try await server.send(.get, path + "/web/nonsense").status == 404)
        }
    }
}
