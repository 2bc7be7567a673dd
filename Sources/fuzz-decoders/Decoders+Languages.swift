import KubeObject
import KubeSchema

/// CEL and regular expressions: programs of a tenant that run in the server.
extension FuzzedDecoder {
    private static let object: JSON = [
        "replicas": 3, "name": "web", "labels": ["a": "b", "c": "d"], "list": [1, 2, 3, 2.5, "x", .null],
        "when": "2026-11-27T17:39:21Z",
        "nested": ["deep": [["x": 1], ["x": 2]]], "text": "the quick brown fox",
    ]

    private static let sizes = CELSizes(
        .object("self"),
        fields: [
            "name": CELSizes(.string, most: 100, leastBytes: 2), "replicas": CELSizes(.int, leastBytes: 1),
            "list": CELSizes(.list(.dyn), element: CELSizes(.dyn, most: 10, leastBytes: 1), most: 10, leastBytes: 2),
        ], leastBytes: 2)
    private static let environment = CELEnvironment(
        variables: ["self": .object("self"), "oldSelf": .optional(.object("self"))],
        objects: [
            "self": ["name": .string, "text": .string, "replicas": .int, "list": .list(.dyn), "labels": .map(.string, .string)]
        ])

    static let languages = [
        FuzzedDecoder(
            "cel",
            seeds: [
                "self.replicas <= 5 && self.name.startsWith('w')", "self.list.all(x, x > 0) || self.labels.exists(k, k == 'a')",
                "has(self.nested) ? self.nested.deep.map(d, d.x * 2).sum() == 6 : false",
                "self.list.filter(x, type(x) == int).size() >= 2u",
                "self.text.split(' ').map(w, w.upperAscii()).join('-').matches('^[A-Z-]+$')",
                "timestamp(self.when) + duration('1h') > timestamp(0)",
                "quantity('1Gi').isGreaterThan(quantity('1M')) && ip('10.0.0.1').family() == 4",
                "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
                "{'a': 1, 'b': [1, 2]}['b'][1] in [1, 2, 3] && b'\\x00\\xff' != b''",
                "url('https://a.b:80/c?d=e').getHost() == optional.of('x').orValue('y')",
                "self.text.replace('o', 'oooooooooooo').find('o+').size() % 3 - -1 == 0",
                "[1,2,3].indexOf(2) + 'abc'.lastIndexOf('c')",
                "-9223372036854775808 / -1 == int(1e18) * 9 && math.abs(-5) < uint('7') && double(self.replicas) > 0.5",
                "duration('2562047h') + duration('1ns') > timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
                "timestamp(self.when).getFullYear('Europe/Berlin') + timestamp(0).getMonth() == duration('90m').getMinutes()",
            ],
            tokens: [
                "self", ".all(x, ", ".exists(", ".map(", ".filter(", "(", ")", "[", "]", "{", "}", "?", ":", "&&", "||", "!", "-",
                "'", "\"", "r'", "b'",
                "has(", "size(", "string(", "int(", "double(", "timestamp(", "duration(", "quantity(", "matches(", " in ", "1u",
                "0x", ".format([",
                "'%s %d %.3f'", "optional.none()", ".?a", "[?0]", "self.list", "self.text", "cel.bind(x, ",
            ]
        ) { bytes throws(BrokenPromise) in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let program = try? CELProgram(text) else { return }
            // What is wrong with its types is no reason not to run it: upstream's older objects are run so, too.
            do { _ = try program.check(in: environment).cost(sizes) } catch { _ = "\(error)" }
            var budget = CELBudget(100_000)
            let variables = CELVariables(["self": CELValue(object), "oldSelf": CELValue(object)])
            guard let value = try? program.evaluate(variables, budget: &budget) else { return }
            guard budget.left >= 0 else { throw BrokenPromise("it cost more than it might") }
            _ = value.jsonValue
        },
        FuzzedDecoder(
            "regular-expression",
            seeds: [
                "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "(a|b)*c{2,5}?\\d+\\b", "(?i:x+)+(?P<name>y)", "[^\\w\\s]+|\\p{Greek}",
                "((a*)*)*b", "(x+x+)+y",
                "a{1000}", "\\x{10FFFF}[[:alpha:]]$",
            ],
            tokens: [
                "(", ")", "*", "+", "?", "{1,1000}", "[", "]", "^", "$", "|", "\\", "(?i)", "\\p{L}", "[[:digit:]]", ".*",
                "(a*)*",
            ], rarity: 20
        ) { bytes throws(BrokenPromise) in
            guard let expression = try? LinearRegex(String(decoding: bytes, as: UTF8.self)) else { return }
            let text = "the quick brown aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa fox 0123 \u{3b1}\u{1F600}"
            let found = expression.firstMatch(in: text)
            guard (found != nil) == expression.matches(text) else { throw BrokenPromise("firstMatch and matches disagree") }
        },
    ]
}
