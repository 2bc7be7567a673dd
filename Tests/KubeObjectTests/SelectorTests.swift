import Testing

@testable import KubeObject

@Suite struct SelectorTests {
    @Test(arguments: [
        ("", ["a": "b"], true), ("a=b", ["a": "b"], true), ("a==b", ["a": "c"], false), ("a!=b", [:], true),
        ("a in (b, c)", ["a": "c"], true),
        ("a notin (b)", ["a": "b"], false), ("a", ["a": ""], true), ("!a", ["a": ""], false), ("a>5", ["a": "6"], true),
        ("a<5", ["a": "x"], false),
        ("x.io/a=b,c", ["x.io/a": "b", "c": "1"], true), ("in in (in)", ["in": "in"], true), ("a=", ["a": ""], true),
    ])
    func matches(text: String, labels: [String: String], expected: Bool) throws {
        let selector = try LabelSelector(parsing: text)
        #expect(selector.matches(labels) == expected)
        #expect(try LabelSelector(parsing: selector.description).matches(labels) == expected)
    }

    @Test func listsEachValueOnce() throws {
        #expect(try LabelSelector(parsing: "a in (c,b,,c,,)").description == "a in (,b,c)")
    }

    @Test(arguments: [
        "a=b,", "a in", "a in (", "a in (b", "=b", "!", "a=b c", "a>x", "-a=b", "a=-b", ",a", "a(b)", "a in b", "/a", "a/b/c",
    ])
    func refuses(text: String) { #expect(throws: ObjectError.self) { try LabelSelector(parsing: text) } }

    @Test func readsObjects() throws {
        let selector = try LabelSelector([
            "matchLabels": ["a": "b"], "matchExpressions": [["key": "c", "operator": "NotIn", "values": ["d"]]],
        ])
        #expect(selector.matches(["a": "b"]))
        #expect(!selector.matches(["a": "b", "c": "d"]))
        #expect(!(try LabelSelector(JSON.null)).matches([:]))
        #expect(throws: ObjectError.self) { try LabelSelector(["matchExpressions": [["key": "c", "operator": "Sometimes"]]]) }
    }

    @Test func readsFields() throws {
        let selector = try FieldSelector(parsing: "metadata.name=a\\,b,status.phase!=Running")
        #expect(selector.requirements == [.init("metadata.name", "a,b"), .init("status.phase", "Running", isNegated: true)])
        #expect(throws: ObjectError.self) { try FieldSelector(parsing: "abc") }
        #expect(throws: ObjectError.self) { try FieldSelector(parsing: "a=b\\x") }
    }
}

@Suite struct YAMLTests {
    @Test func readsDocuments() throws {
        let documents = try YAML.parse(
            "a: 1\nb: [yes, \"yes\", 0x10, 1.5, ~, 010]\n---\n---\nc: |\n  x\n  y\nd: {<<: {e: 1}, e: 2}\n".utf8)
        #expect(documents == [["a": 1, "b": [true, "yes", 16, 1.5, .null, 8]], ["c": "x\ny\n", "d": ["e": 2]]])
    }

    @Test func refusesBombs() {
        var text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        for (name, before) in zip("bcdefghij", "abcdefghi") {
            text += "\(name): &\(name) [\((0..<10).map { _ in "*\(before)" }.joined(separator: ","))]\n"
        }
        #expect(throws: ObjectError.self) { try YAML.parse(text.utf8) }
        #expect(throws: ObjectError.self) { try YAML.parse("a: [".utf8) }
        #expect(throws: ObjectError.self) { try YAML.parse("a: *x".utf8) }
    }

    @Test(
        arguments: [
            ["a": "b", "list": [["x": 1, "y": ["z"]], "s"], "empty": [:], "none": []],
            ["text": "line\nline\n", "other": "a\n\nb", "third": "x\n\n", "fourth": " lead\nx", "tab": "a\tb\nc"],
            [
                "yes": "yes", "n": "1", "f": "1.5", "t": "2026-01-01T00:00:00Z", "d": "2026-01-01", "colon": "a: b",
                "hash": "a #b", "dash": "- x", "e": "",
            ],
            [
                "u": "é", "q": "'", "star": "*a", "nl": "\n", "deep": [[1, 2], [[3]]], "inf": ".inf", "hex": "0x1F",
                "under": "1_000",
            ],
            ["next line": "a\u{85}b", "mark": "x\u{FEFF}"], ["control": "\u{7F}\u{9B}"], ["none": "\u{FFFE}\u{FFFF}"],
            ["block": "a\n\u{2028}b\u{85}\n"],
            // Readers find the colon of a simple key only within 1024 characters.
            [String(repeating: "k", count: 1_500): ["a": ["b": 1]], String(repeating: "l", count: 130): [[2, 3]]],
            [[String(repeating: "m", count: 2_000): "x\ny", "n": 1]],
        ] as [JSON])
    func writesWhatItReads(tree: JSON) throws { #expect(try YAML.parse(YAML.encode(tree).utf8) == [tree]) }
}
