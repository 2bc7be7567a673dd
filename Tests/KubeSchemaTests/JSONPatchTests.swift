import KubeObject
import Testing

@testable import KubeSchema

func json(_ text: String) -> JSON {
    do { return try JSON(parsing: text.utf8) } catch { preconditionFailure("\(error): \(text)") }
}

@Suite("JSON patch")
struct JSONPatchTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var tree: String
        var patch: String
        /// Nil: it doesn't apply.
        var result: String?
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "add a member", tree: #"{"a":1}"#, patch: #"[{"op":"add","path":"/b","value":2}]"#, result: #"{"a":1,"b":2}"#),
        Case(name: "add replaces", tree: #"{"a":1}"#, patch: #"[{"op":"add","path":"/a","value":2}]"#, result: #"{"a":2}"#),
        Case(
            name: "add inserts", tree: #"{"a":[1,3]}"#, patch: #"[{"op":"add","path":"/a/1","value":2}]"#,
            result: #"{"a":[1,2,3]}"#),
        Case(
            name: "add at the end", tree: #"{"a":[1]}"#, patch: #"[{"op":"add","path":"/a/-","value":2}]"#,
            result: #"{"a":[1,2]}"#),
        Case(
            name: "add after the last", tree: #"{"a":[1]}"#, patch: #"[{"op":"add","path":"/a/1","value":2}]"#,
            result: #"{"a":[1,2]}"#),
        Case(name: "add too far", tree: #"{"a":[1]}"#, patch: #"[{"op":"add","path":"/a/2","value":2}]"#, result: nil),
        Case(name: "add below nothing", tree: #"{}"#, patch: #"[{"op":"add","path":"/a/b","value":2}]"#, result: nil),
        Case(name: "add to the root", tree: #"{"a":1}"#, patch: #"[{"op":"add","path":"","value":{}}]"#, result: nil),
        Case(name: "add null", tree: #"{}"#, patch: #"[{"op":"add","path":"/a","value":null}]"#, result: #"{"a":null}"#),
        Case(name: "remove", tree: #"{"a":1,"b":2}"#, patch: #"[{"op":"remove","path":"/a"}]"#, result: #"{"b":2}"#),
        Case(name: "remove an element", tree: #"{"a":[1,2]}"#, patch: #"[{"op":"remove","path":"/a/0"}]"#, result: #"{"a":[2]}"#),
        Case(
            name: "remove from the end", tree: #"{"a":[1,2]}"#, patch: #"[{"op":"remove","path":"/a/-1"}]"#, result: #"{"a":[1]}"#
        ),
        Case(name: "remove what isn't there", tree: #"{"a":1}"#, patch: #"[{"op":"remove","path":"/b"}]"#, result: nil),
        Case(
            name: "replace", tree: #"{"a":{"b":1}}"#, patch: #"[{"op":"replace","path":"/a/b","value":[]}]"#,
            result: #"{"a":{"b":[]}}"#),
        Case(name: "replace what isn't there", tree: #"{}"#, patch: #"[{"op":"replace","path":"/a","value":1}]"#, result: nil),
        Case(name: "replace all", tree: #"{"a":1}"#, patch: #"[{"op":"replace","path":"","value":{}}]"#, result: #"{}"#),
        Case(name: "move", tree: #"{"a":1}"#, patch: #"[{"op":"move","from":"/a","path":"/b"}]"#, result: #"{"b":1}"#),
        Case(
            name: "copy", tree: #"{"a":{"b":1}}"#, patch: #"[{"op":"copy","from":"/a","path":"/c"}]"#,
            result: #"{"a":{"b":1},"c":{"b":1}}"#),
        Case(name: "copy nothing", tree: #"{}"#, patch: #"[{"op":"copy","from":"/a","path":"/c"}]"#, result: nil),
        Case(
            name: "test passes", tree: #"{"a":[1,{"b":2}]}"#, patch: #"[{"op":"test","path":"/a/1","value":{"b":2}}]"#,
            result: #"{"a":[1,{"b":2}]}"#),
        Case(
            name: "test fails, nothing is done", tree: #"{"a":1}"#,
            patch: #"[{"op":"add","path":"/b","value":1},{"op":"test","path":"/a","value":2}]"#, result: nil),
        Case(name: "test for absence", tree: #"{}"#, patch: #"[{"op":"test","path":"/a","value":null}]"#, result: #"{}"#),
        Case(
            name: "escapes", tree: #"{"a/b":{"c~d":1}}"#, patch: #"[{"op":"replace","path":"/a~1b/c~0d","value":2}]"#,
            result: #"{"a/b":{"c~d":2}}"#),
        Case(
            name: "test for absence without a value", tree: #"{"a":{}}"#, patch: #"[{"op":"test","path":"/a/b"}]"#,
            result: #"{"a":{}}"#),
        Case(
            name: "test for absence where nothing can be", tree: #"{}"#, patch: #"[{"op":"test","path":"/a/b","value":null}]"#,
            result: nil),
        Case(
            name: "test for absence in a list", tree: #"{"a":[1]}"#, patch: #"[{"op":"test","path":"/a/1","value":null}]"#,
            result: nil),
        Case(name: "no slash", tree: #"{"a":1}"#, patch: #"[{"op":"remove","path":"a"}]"#, result: nil),
        Case(name: "leading zero", tree: #"{"a":[1,2]}"#, patch: #"[{"op":"remove","path":"/a/01"}]"#, result: #"{"a":[1]}"#),
    ]

    @Test(arguments: cases) func applies(_ example: Case) throws {
        guard let result = example.result else {
            let error = #expect(throws: StatusError.self) { try JSONPatch.apply(json(example.patch), to: json(example.tree)) }
            #expect(error?.code == 422 && error?.message == "the server rejected our request due to an error in our request")
            return
        }
        #expect(try JSONPatch.apply(json(example.patch), to: json(example.tree)) == json(result))
    }

    @Test func `what isn't a patch is a bad request`() {
        #expect(throws: StatusError.badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch")) {
            try JSONPatch.apply([:], to: [:])
        }
        #expect(throws: StatusError.badRequest("json: cannot unmarshal string into Go value of type jsonpatch.Operation")) {
            try JSONPatch.apply(["x"], to: [:])
        }
    }

    @Test(arguments: [
        (#"{"op":"append","path":"/a","value":1}"#, "unsupported operation"), ("{}", "unsupported operation"),
        ("null", "unsupported operation"),
        (#"{"op":"add","path":"/a"}"#, "failed to decode 'value': operation, missing value field: missing value"),
        (#"{"op":"copy","path":"/a"}"#, "failed to decode 'from': operation, missing from field: missing value"),
        (#"{"op":"remove"}"#, "failed to decode 'path': operation missing path field: missing value"),
    ])
    func `what can't be an operation is a bad request, and nothing is done`(_ operation: String, _ why: String) throws {
        let patch = json(#"[{"op":"add","path":"/b","value":1},\#(operation)]"#)
        let error = #expect(throws: StatusError.self) { try JSONPatch.apply(patch, to: [:]) }
        #expect(error?.code == 400 && error?.message == "invalid operation \(json(operation).text): \(why)")
    }

    @Test func `too many operations are refused`() {
        let operations = JSON.array([JSON](repeating: ["op": "add", "path": "/a", "value": 1], count: 10_001))
        let error = #expect(throws: StatusError.self) { try JSONPatch.apply(operations, to: [:]) }
        #expect(error?.code == 413)
    }
}

@Suite("Patches that are meant to harm")
struct HarmfulPatchTests {
    @Test func `copying what was copied doesn't fill memory`() {
        let double: JSON = ["op": "copy", "from": "/a", "path": "/a/-"]
        let error = #expect(throws: StatusError.self) {
            try JSONPatch.apply(.array([JSON](repeating: double, count: 60)), to: ["a": [["some text to begin with"]]])
        }
        #expect(error?.code == 422)
    }

    /// As deep as the parser lets anything through.
    @Test func `deep trees are walked`() throws {
        let depth = 490
        let schemaText = String(repeating: #"{"not":"#, count: depth) + "{}" + String(repeating: "}", count: depth)
        let props = try #require(
            Schema.builtin.type(named: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"))
        let tree = json(schemaText)
        let decoded = try props.decode(tree)
        #expect(decoded.tree == tree)
        #expect(try MergePatch.apply(tree, to: tree) == tree)
        #expect(try StrategicMergePatch.apply(tree, to: tree, type: props) == tree)
        #expect(try StrategicMergePatch.apply(tree, to: [:], type: props) == tree)
        var copy = tree
        props.applyDefaults(to: &copy)
        let path = String(repeating: "/not", count: depth)
        #expect(try JSONPatch.apply([["op": "test", "path": .string(path), "value": [:]]], to: tree) == tree)
    }

    @Test func `a patch can't make a tree too deep to be read again`() throws {
        var tree: JSON = ["a": [:]]
        for _ in 0..<20 {
            let deeper =
                #"[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/a","value":{"x":{"x":{}}}},{"op":"move","from":"/b","path":"/a/x/x"}]"#
            tree = try JSONPatch.apply(json(deeper), to: tree)
        }
        let nested = json(String(repeating: #"{"x":"#, count: 480) + "{}" + String(repeating: "}", count: 480))
        let path = "/a" + String(repeating: "/x", count: 40)
        let error = #expect(throws: StatusError.self) {
            try JSONPatch.apply([["op": "add", "path": .string(path), "value": nested]], to: tree)
        }
        #expect(error?.code == 422)
        #expect(try JSONPatch.apply([["op": "add", "path": "/b", "value": nested]], to: tree)["b"] == nested)
    }

    @Test func `long lists are merged in linear time`() throws {
        let spec = try #require(Schema.builtin.type(named: "io.k8s.api.core.v1.PodSpec"))
        let containers = JSON.array((0..<5_000).map { ["name": .string("c\($0)"), "image": "i"] })
        let tree: JSON = ["containers": containers]
        #expect(try StrategicMergePatch.apply(tree, to: tree, type: spec) == tree)
    }

    @Test func `no more than a hundred unknown fields are told`() throws {
        let spec = try #require(Schema.builtin.type(named: "io.k8s.api.core.v1.PodSpec"))
        let tree = JSON.object(JSONObject((0..<1_000).map { ("x\($0)", JSON.null) }))
        #expect(try spec.decode(tree).unknownFields.count == 100)
    }
}

@Suite("JSON merge patch")
struct MergePatchTests {
    static let cases: [(String, String, String)] = [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ]

    /// RFC 7386, appendix A, as far as it is about objects.
    @Test(arguments: cases) func applies(_ tree: String, _ patch: String, _ result: String) throws {
        #expect(try MergePatch.apply(json(patch), to: json(tree)) == json(result))
    }

    @Test func `a patch has to be an object`() {
        let error = #expect(throws: StatusError.self) { try MergePatch.apply(["a"], to: [:]) }
        #expect(error?.code == 400)
    }
}
