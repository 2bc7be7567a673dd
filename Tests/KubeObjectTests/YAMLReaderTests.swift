import Testing

@testable import KubeObject

@Suite("Reading YAML")
struct YAMLReaderTests {
    /// A value, and what YAML 1.1 as upstream reads it takes it for.
    @Test(
        arguments: [
            ("yes", true), ("n", false), ("'yes'", "yes"), ("!!str 5", "5"), ("0x10", 16), ("010", 8), ("1_000", 1000),
            ("~", .null),
            ("1.5", 1.5), ("1.2.3", "1.2.3"), ("2001-01-01", "2001-01-01"), ("\"\\u00e9\"", "é"), ("|\n  a\n  b\n", "a\nb\n"),
            ("{true: 1, 2: b, ~: c}", ["true": 1, "2": "b", "null": "c"]),
            ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", ["a": ["b": 1], "c": ["b": 1, "d": 2]]),
            ("{a: &x {b: 1}, c: {b: 3, <<: *x}}", ["a": ["b": 1], "c": ["b": 3]]),
            ("{c: {<<: [{a: 1}, {a: 2, b: 2}]}}", ["c": ["a": 1, "b": 2]]),
        ] as [(String, JSON)])
    func `values are read as upstream does`(text: String, expected: JSON) throws {
        #expect(try YAML.parse("- \(text)\n".utf8) == [[expected]])
    }

    @Test func `documents come one by one, without the empty ones`() throws {
        #expect(try YAML.parse("a: 1\n---\n---\nb: 2\n...\n".utf8) == [["a": 1], ["b": 2]])
        #expect(try YAML.parse("".utf8) == [])
    }

    @Test(
        arguments: [
            ("a: 1\na: 2\n", ["line 2: key \"a\" already set in map"], ["a": 2]),
            (
                "kind: A\nkind: B\nmetadata:\n  name: x\n  name: y1\n  labels: {a: b, a: c}\n",
                [
                    "line 2: key \"kind\" already set in map", "line 5: key \"name\" already set in map",
                    "line 6: key \"a\" already set in map",
                ], ["kind": "B", "metadata": ["name": "y1", "labels": ["a": "c"]]]
            ),
            (
                "{1: a, 1: b, true: c, yes: d}", ["line 1: key 1 already set in map", "line 1: key true already set in map"],
                ["1": "b", "true": "d"]
            ),
            ("a:\n  b: 1\na:\n  b: 2\n", ["line 4: key \"a\" already set in map"], ["a": ["b": 2]]),
        ] as [(String, [String], JSON)])
    func `keys that stand twice are told of, and the last counts`(text: String, told: [String], expected: JSON) throws {
        var repeated: [YAML.RepeatedKey] = []
        #expect(try YAML.parse(text.utf8, repeated: &repeated) == [expected])
        #expect(repeated.map(\.description) == told)
    }

    @Test(arguments: [
        ("a: [1\nb: 2\n", "line 1: did not find expected ',' or ']'"),
        ("\tx: 1", "line 1: found character that cannot start any token"),
        ("a: *b", "unknown anchor 'b' referenced"), ("? {a: b}\n: c", "a key must be a scalar"),
        ("a: \u{7}", "control characters are not allowed"), ("&a [*a]", "unknown anchor 'a' referenced"),
    ])
    func `what is wrong is told with its line`(text: String, message: String) {
        #expect(throws: ObjectError("error converting YAML to JSON: yaml: \(message)")) { try YAML.parse(text.utf8) }
    }

    @Test func `hostile texts are bounded`() {
        let bomb =
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + (0..<20).map { index in
                let (name, last) = (Character(Unicode.Scalar(UInt8(98 + index))), Character(Unicode.Scalar(UInt8(97 + index))))
                return "\(name): &\(name) [" + Array(repeating: "*\(last)", count: 10).joined(separator: ", ") + "]\n"
            }.joined()
        for text in [
            bomb, String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000),
            String(repeating: "a: {", count: 50_000),
        ] {
            #expect(throws: ObjectError.self) { try YAML.parse(text.utf8) }
        }
        #expect(throws: ObjectError.self) { try YAML.parse([0x61, 0xFF, 0xFE, 0x3A]) }
    }
}
