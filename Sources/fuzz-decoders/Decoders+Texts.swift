import KubeObject

/// JSON, YAML, selectors, quantities: what each request brings.
extension FuzzedDecoder {
    static let texts = [
        FuzzedDecoder(
            "json",
            seeds: [
                #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"a":"b"}},"spec":{"n":[1,2.5,-3e10,true,null]}}"#,
                #"["\u00e9\ud83d\ude00\n","x\\y\/z",{"a":{"b":{"c":[[[[]]]]}}}]"#, "9223372036854775807", " \t\n{}\r ", #""""#,
            ], tokens: ["{", "}", "[", "]", ":", ",", #"""#, "\\u", "\\ud800", "null", "true", "e+", #"{"a":"#, "[[[["]
        ) { bytes throws(BrokenPromise) in
            guard let value = try? JSON(parsing: bytes) else { return }
            guard let again = try? JSON(parsing: value.encoded()) else { throw BrokenPromise("what was written can't be read") }
            // Writing once more must change nothing; the values themselves may differ (-0, and numbers beyond a double's range).
            guard again.encoded() == value.encoded() else { throw BrokenPromise("written twice, it differs") }
        },
        FuzzedDecoder(
            "yaml",
            seeds: [
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  list:\n  - x: 1\n  - y: {a: b, c: [d, e]}\n---\nkind: List\n",
                "a: &x [1, 2]\nb: *x\nc: |\n  text\n   more\nd: >-\n  folded\n  text\ne: \"\\u00e9\\n\"\n",
                "- ? complex\n  : value\n- !!str 5\n",
                "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n", "0x10: yes\n~: 0o7\n1e3: .inf\n2001-01-01: <<\n",
            ],
            tokens: [
                "&a ", "*a", ": ", "- ", "\n", "\n---\n", "<<: ", "!!binary ", "? ", "|\n", ">+\n", "%YAML 1.2\n", "{", "[", "'",
                "\"",
            ]
        ) { bytes throws(BrokenPromise) in
            guard let documents = try? YAML.parse(bytes) else { return }
            // What kubectl shows with -o yaml must be what it reads again. (libyaml drops a byte order mark that a text begins with.)
            for document in documents where !document.text.contains("\u{FEFF}") {
                guard let again = try? YAML.parse(Array(YAML.encode(document).utf8)),
                    again.map({ $0.encoded() }) == [document.encoded()]
                else {
                    throw BrokenPromise("what was written can't be read, or differs")
                }
            }
        },
        FuzzedDecoder(
            "label-selector", seeds: ["a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1", "example.com/a == b", "x in (,a)", ""],
            tokens: [" in (", " notin (", ")", "==", "!=", ",", "!", ">", "<", "example.com/"]
        ) { bytes throws(BrokenPromise) in
            guard let selector = try? LabelSelector(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
            _ = selector.matches(["a": "b", "c": "x", "l": "7"])
            guard let again = try? LabelSelector(parsing: selector.description), again.description == selector.description else {
                throw BrokenPromise("what was printed can't be read, or differs: \(selector)")
            }
        },
        FuzzedDecoder(
            "field-selector", seeds: ["metadata.name=a,status.phase!=Running", #"spec.nodeName==a\,b\=c\\"#, "a=,b=", ""],
            tokens: ["\\,", "\\=", "\\\\", "==", "!=", ",", "metadata.name"]
        ) { bytes throws(BrokenPromise) in
            guard let selector = try? FieldSelector(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
            _ = selector.matches { $0 }
        },
        FuzzedDecoder(
            "quantity",
            seeds: ["1", "1.5Gi", "100m", "-3e6", "12E", "1E3", "0.000000001", "9223372036854775807", "1n", "1024Ki"],
            tokens: ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "m", "k", "M", "e", "E", ".", "+", "-"]
        ) { bytes throws(BrokenPromise) in
            guard let quantity = try? Quantity(String(decoding: bytes, as: UTF8.self)) else { return }
            guard let again = try? Quantity(quantity.description), again == quantity else {
                throw BrokenPromise("what was printed can't be read, or differs: \(quantity)")
            }
            _ = (quantity.value, quantity.milliValue, quantity + quantity, quantity - quantity)
        },
        FuzzedDecoder(
            "time", seeds: ["2026-11-27T17:39:21Z", "2026-02-29T00:00:00.123456789+14:00", "0001-01-01T00:00:00Z"],
            tokens: ["Z", "+", "-", ":", "T", ".", "60", "9999"]
        ) { bytes throws(BrokenPromise) in
            guard let seconds = Timestamp.parse(String(decoding: bytes, as: UTF8.self)) else { return }
            guard Timestamp.parse(Timestamp.format(seconds)) == seconds.rounded(.down),
                Timestamp.parse(Timestamp.formatMicro(seconds)) != nil
            else {
                throw BrokenPromise("what was printed can't be read, or differs: \(Timestamp.format(seconds))")
            }
        },
    ]
}
