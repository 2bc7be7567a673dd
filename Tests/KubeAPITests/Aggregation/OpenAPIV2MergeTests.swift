import KubeObject
import Testing

@testable import KubeAPI

struct OpenAPIV2MergeTests {
    private static func document(_ path: String, _ definitions: JSON, parameters: JSON? = nil, first: String = "A") -> JSON {
        var item: JSON = ["get": ["responses": ["200": ["schema": ["$ref": .string("#/definitions/\(first)")]]]]]
        if parameters != nil { item["parameters"] = [["$ref": "#/parameters/p"]] }
        var document: JSON = ["swagger": "2.0", "paths": .object(JSONObject([(path, item)])), "definitions": definitions]
        document["parameters"] = parameters
        return document
    }

    private static func kinds(_ kind: String) -> JSON { [["group": "g", "version": "v1", "kind": .string(kind)]] }

    private func merged(_ base: JSON, _ added: JSON...) -> JSON {
        var merge = OpenAPIV2Merge(base)
        for document in added { merge.add(document) }
        return merge.document
    }

    @Test func whatIsReferredToComesAlong() {
        let part = OpenAPIV2Merge.part(
            of: Self.document(
                "/apis/g/v1/things",
                ["A": ["properties": ["b": ["items": ["$ref": "#/definitions/B"]]]], "B": ["$ref": "#/definitions/A"], "C": [:]]),
            below: "/apis/g/v1/")
        #expect(part["definitions"]?.object.map { Array($0.keys) } == ["A", "B"])
        #expect(part["paths"]?.object?.count == 1)
        #expect(OpenAPIV2Merge.part(of: part, below: "/apis/g/v2/")["paths"]?.object?.isEmpty == true)
    }

    @Test func takenPathsStay() {
        let base = Self.document("/apis/g/v1/things", ["A": ["type": "string"]])
        #expect(merged(base, Self.document("/apis/g/v1/things", ["A": ["type": "object"]])) == base)
    }

    @Test func equalDefinitionsAreOne() {
        let base = Self.document("/a", ["A": ["type": "string"]])
        let result = merged(base, Self.document("/b", ["A": ["type": "string"]]))
        #expect(result["definitions"] == ["A": ["type": "string"]])
        #expect(result["paths"]?.object.map { Array($0.keys) } == ["/a", "/b"])
    }

    @Test func definitionsThatDifferInTheirKindsHaveBoth() {
        let key = "x-kubernetes-group-version-kind"
        let base = Self.document("/a", ["A": ["type": "object", "x-kubernetes-group-version-kind": Self.kinds("X")]])
        let other = Self.document("/b", ["A": ["type": "object", "x-kubernetes-group-version-kind": Self.kinds("Y")]])
        let result = merged(base, other)
        #expect(result[path: "definitions", "A", key]?.elements == Self.kinds("X").elements + Self.kinds("Y").elements)
        #expect(result["definitions"]?.object?.count == 1)
    }

    @Test func othersHaveAnotherName() {
        let base = Self.document("/a", ["A": ["type": "string"], "A_v2": ["type": "integer"]])
        let other = Self.document(
            "/b", ["A": ["properties": ["self": ["$ref": "#/definitions/A"]]]], parameters: ["p": ["name": "n"]])
        let result = merged(base, other)
        #expect(result[path: "definitions", "A"] == ["type": "string"])
        #expect(result[path: "definitions", "A_v3", "properties", "self", "$ref"] == "#/definitions/A_v3")
        #expect(
            result[path: "paths", "/b", "get", "responses"]?["200"]?[path: "schema", "$ref"] == "#/definitions/A_v3")
        #expect(result[path: "parameters", "p", "name"] == "n")
        // A third one that is like the second goes by the same name.
        let again = merged(base, other, Self.document("/c", ["A": ["properties": ["x": [:]]]]))
        #expect(again[path: "definitions", "A_v4"] != nil)
        let like = merged(base, Self.document("/b", ["A": ["type": "boolean"]]), Self.document("/c", ["A": ["type": "boolean"]]))
        #expect(like["definitions"]?.object.map { Array($0.keys) } == ["A", "A_v2", "A_v3"])
    }

    @Test func hostileDocumentsAreOnlyNonsense() {
        for document in [
            JSON.null, ["paths": []], ["paths": ["/x": 1]], ["paths": ["/x": ["$ref": 3]], "definitions": [1]],
            ["paths": ["/x": ["get": ["$ref": "#/definitions/"]]], "definitions": ["": ["$ref": "#/definitions/"]]],
        ] as [JSON] {
            let part = OpenAPIV2Merge.part(of: document, below: "/")
            #expect(merged(Self.document("/a", [:]), part)[path: "paths", "/a"] != nil)
        }
    }
}

struct RemoteOpenAPIV2Tests {
    /// Asked once a minute, and with the tag of what is known.
    @Test func isAskedOnlyWhenOld() async {
        let clock = StoppedClock()
        let remote = RemoteOpenAPIV2 { clock.now }
        let key = RemoteOpenAPIV2.Key(cluster: 1, uid: "u")
        func part(_ answer: @escaping (String) throws -> DocumentRequest.Answer?) async -> String? {
            await remote.part(key, below: "/apis/g/v1/") { try answer($0) }.map { String(decoding: $0, as: UTF8.self) }
        }
        struct Failure: Error {}
        func document(_ name: String) -> DocumentRequest.Answer {
            .init(bytes: Array("{\"paths\":{\"/apis/g/v1/\(name)\":{}}}".utf8), etag: "\"\(name)\"")
        }
        #expect(await part { _ in throw Failure() } == nil)
        #expect(await part { _ in document("early") } == nil)
        clock.advance(by: RemoteOpenAPIV2.failurePeriod)
        #expect(await part { tag in tag.isEmpty ? document("one") : nil }?.contains("/one") == true)
        #expect(await part { _ in document("two") }?.contains("/one") == true)
        clock.advance(by: RemoteOpenAPIV2.period)
        #expect(await part { tag in tag == "\"one\"" ? nil : document("two") }?.contains("/one") == true)
        #expect(await part { _ in document("two") }?.contains("/one") == true)
        clock.advance(by: RemoteOpenAPIV2.period)
        #expect(await part { _ in throw Failure() }?.contains("/one") == true)
        clock.advance(by: RemoteOpenAPIV2.period)
        #expect(await part { _ in document("two") }?.contains("/two") == true)
    }

    @Test func bytesAreBounded() {
        var cache = SizedCache<Int, String>(capacity: 10)
        for index in 0..<5 { cache.keep("v", size: 4, for: index) }
        #expect(cache.size == 8)
        cache.keep("large", size: 11, for: 9)
        #expect(cache[9] == nil)
        #expect(cache.size == 8)
        #expect(cache[4] == "v")
        cache.keep("w", size: 1, for: 4)
        #expect(cache.size == 5)
    }
}
