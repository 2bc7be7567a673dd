import Testing

@testable import KubeObject

@Suite struct JSONTests {
    @Test(arguments: [
        ("{\"b\":1,\"a\":[true,null,1.5,\"x\"]}", "{\"a\":[true,null,1.5,\"x\"],\"b\":1}"),
        (" { } ", "{}"), ("[ ]", "[]"), ("-0", "0"), ("1e2", "100"), ("9223372036854775807", "9223372036854775807"),
        ("{\"a\":1,\"a\":2}", "{\"a\":2}"), ("\"\\u00e9\\ud83d\\ude00\\n\\u0001\"", "\"é😀\\n\\u0001\""),
        ("\"\\ud800x\"", "\"\u{FFFD}x\""),
    ])
    func readsAndWritesCanonically(input: String, output: String) throws {
        #expect(try JSON(parsing: input.utf8).text == output)
    }

    @Test(arguments: [
        ("", "unexpected end of JSON input"), ("{", "unexpected end of JSON input"),
        ("{x", "invalid character 'x' looking for beginning of object key string"),
        ("[1,]", "invalid character ']' looking for beginning of value"), ("1 2", "invalid character '2' after top-level value"),
        ("tru", "unexpected end of JSON input"), ("{\"a\" 1}", "invalid character '1' after object key"),
        ("\"\n\"", "invalid character '\\n' in string literal"), ("01", "invalid character '1' after top-level value"),
        (String(repeating: "[", count: 100_000), "exceeded max depth"),
    ])
    func refusesWithGoWords(input: String, message: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: input.utf8) }
        do throws(JSONError) { _ = try JSON(parsing: input.utf8) } catch { #expect(error.description == message) }
    }

    @Test func tellsDuplicateKeysByPath() throws {
        var duplicates: [String] = []
        _ = try JSON.parse("{\"spec\":{\"list\":[{\"a\":1,\"a\":2}],\"x\":1,\"x\":1}}".utf8, duplicates: &duplicates)
        #expect(duplicates == ["spec.list[0].a", "spec.x"])
    }

    @Test func namesAreFoundInOneWalk() {
        let object: JSON = ["a": 1, "b": 2, "bb": 3, "d": 4]
        var found: [String: JSON] = [:]
        let names = ["", "b", "bb", "bc", "d", "e"]
        object.object?.walk(names) { found[names[$0]] = $1 }
        #expect(found == ["b": 2, "bb": 3, "d": 4])
        found = [:]
        JSONObject().walk(names) { found[names[$0]] = $1 }
        object.object?.walk([]) { found["\($0)"] = $1 }
        #expect(found.isEmpty)
    }

    @Test func keysAreComparedByBytes() {
        // é composed and decomposed are one Character but two keys.
        let object: JSON = ["\u{E9}": 1, "e\u{301}": 2]
        #expect(object.object?.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }

    @Test func pathsCreateAndRemove() {
        var tree: JSON = [:]
        tree[path: "a", "b", "c"] = 1
        #expect(tree == ["a": ["b": ["c": 1]]])
        tree["a"]?["b"]?["d"] = "x"
        #expect(tree[path: "a", "b", "d"] == "x")
        tree[path: "a", "b", "c"] = nil
        tree["a"]?["b"]?["d"] = nil
        #expect(tree == ["a": ["b": [:]]])
        tree[path: "x", "y"] = nil
        #expect(tree["x"] == nil)
    }

    @Test func fieldsAreFoundWhereTheyStand() {
        let text = Array(#"{"b":{"a":[{"x":1},{"x":2}]},"a":1,"a":2,"b.a":3,"a":4}"#.utf8)
        let places = JSON.positions(of: ["a", "b.a", "b.a[1].x", "b.a[2].x", "x", ""], in: text)
        #expect(places["a"]?.count == 2 && places["b.a"]?.count == 2 && places["b.a[1].x"]?.count == 1)
        #expect(places["b.a[2].x"] == [] && places["x"] == [] && places[""] == nil)
        #expect(places["a"]?.first ?? 0 > places["b.a[1].x"]?.first ?? 0)
        #expect(JSON.positions(of: ["a"], in: Array(#"{"a":1,"b"#.utf8))["a"] == [5])
    }

    @Test func survivesRandomBytes() {
        var random = SeededRandom(state: 1)
        let alphabet = Array("{}[]\",:0123456789.eE+-truefalsn\\u \n\u{E9}".utf8)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            if let value = try? JSON(parsing: text) {
                let again = try? JSON(parsing: value.encoded())
                #expect(again?.text == value.text)
            }
        }
    }
}

/// SplitMix64: the same inputs in every run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
