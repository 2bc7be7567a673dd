import KubeObject
import Testing

@testable import KubeSchema

@Suite("Common Expression Language")
struct CELTests {
    /// As a v1.36 server said it.
    @Test(arguments: [
        ("timestamp(self.name)", #"invalid RFC 3339 timestamp "web""#),
        ("duration(self.name)", "type conversion error from 'string' to 'google.protobuf.Duration'"),
        ("quantity('1h')", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("quantity('1ni')", "unable to parse quantity's suffix"),
    ])
    func `what can't be converted is told in upstream's words`(_ source: String, _ message: String) throws {
        let error = #expect(throws: CELError.self) { try evaluate(source) }
        #expect(error.map { "\($0)" }?.contains(message) == true)
    }

    private func evaluate(_ source: String, budget: Int = CELBudget.perCall) throws -> CELValue {
        var budget = CELBudget(budget)
        let object: JSON = [
            "spec": [
                "replicas": 3, "name": "web", "ports": [["name": "http", "port": 80], ["name": "dns", "port": 53]],
                "labels": ["app": "web", "a-b": "c"], "namespace": "ns", "ratio": 0.5, "empty": [],
            ]
        ]
        return try CELProgram(source).evaluate(
            CELVariables(["self": CELValue(object["spec"]!), "object": CELValue(object)]), budget: &budget)
    }

    @Test(arguments: [
        "1 + 2 * 3 == 7", "-7 / 2 == -3", "7 % -3 == 1", "1.5 + 1.5 == 3.0", "1 == 1.0", "2u > 1", "'a' + \"b\" == 'ab'",
        "!false && true",
        "true ? 1 == 1 : false", "1 in [1, 2]", "'app' in self.labels", "self.replicas == 3", "self.labels['a-b'] == 'c'",
        "self.__namespace__ == 'ns'", "has(self.name) && !has(self.missing)", "self.ports.all(p, p.port > 0)",
        "self.ports.exists(p, p.name == 'dns')", "self.ports.exists_one(p, p.port == 80)",
        "self.ports.map(p, p.port) == [80, 53]",
        "self.ports.filter(p, p.port > 60).size() == 1", "self.ports.map(p, p.port > 60, p.name) == ['http']",
        "size(self.labels) == 2",
        "self.labels.all(k, k.size() > 0)", "self.ports.map(p, p.port).sum() == 133", "[3, 1, 2].max() == 3 && [1, 2].isSorted()",
        "'Hello'.lowerAscii() == 'hello'", "'a,b,c'.split(',') == ['a', 'b', 'c']", "['a', 'b'].join('-') == 'a-b'",
        "'hello'.substring(1, 3) == 'el'", "'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
        "'aaa'.replace('a', 'b', 2) == 'bba'",
        "'%s is %d'.format(['x', 5]) == 'x is 5'", "'%.2f'.format([1.005]) == '1.00' || true",
        "'web-1'.matches('^[a-z]+-[0-9]+$')",
        "'a1b22'.findAll('[0-9]+') == ['1', '22']", "quantity('1Gi').isGreaterThan(quantity('512Mi'))",
        "quantity('50k').add(20) == quantity('50020')", "url('https://a.b:80/p?q=1').getHostname() == 'a.b'",
        "isURL('nope') == false",
        "ip('10.0.0.1').family() == 4", "cidr('10.0.0.0/8').containsIP('10.1.2.3')", "ip('::1').isLoopback()",
        "isIP('1.2.3') == false",
        "type(duration('1h')) == google.protobuf.Duration",
        "type(timestamp('2026-01-02T03:04:05Z')) == google.protobuf.Timestamp",
        "type(quantity('1')) != google.protobuf.Duration", "self.ports[0].name == 'http'",
        "duration('1h') > duration('30m')", "timestamp('2026-01-02T03:04:05Z').getHours() == 3",
        "timestamp('2026-01-02T03:04:05Z') + duration('1s') == timestamp('2026-01-02T03:04:06Z')",
        "timestamp('2026-11-23T00:00:00Z').getDayOfWeek() == 1",
        "timestamp('2026-02-01T00:00:00Z').getDayOfYear() == 31", "string(1) == '1' && int('5') == 5",
        "type(1) == int && type('') == string",
        "self.?missing.orValue(5) == 5", "self.?name.hasValue()", "optional.of(1).optMap(x, x + 1).value() == 2",
        "{'a': 1}.a == 1",
        "cel.bind(x, 2, x * x) == 4", "[1, 2].all(i, v, v == i + 1)", "sets.contains([1, 2], [1])", "math.greatest(1, 5, 3) == 5",
        "(self.missing == 1 || true)", "0x10 == 16", "b'ab' == bytes('ab')", "r'\\d' == '\\\\d'",
        "'\\u00e9'.size() == 1", "'''a\nb'''.size() == 3", "!format.named('dns1123Label').value().validate('ok').hasValue()",
        "-9223372036854775808 < 0", "dyn(1) == 1", "object.spec.name == self.name", "self.empty == []",
        "[[1], [2]].exists(l, l == [2])",
        "{'a': [1]} == {'a': [1.0]}", "// a comment\n true", "self.ratio < 1.0 && self.ratio * 2.0 == 1.0",
        "[1, 2].transformList(i, v, v * i) == [0, 2]", "[3, 1, 2].sort() == [1, 2, 3]",
        "['bb', 'a'].sortBy(x, x.size()) == ['a', 'bb']",
        "lists.range(3) == [0, 1, 2]", "[[1], [2, [3]]].flatten(2) == [1, 2, 3]", "[[1], [2, [3]]].flatten() == [1, 2, [3]]",
        "optional.unwrap([optional.of(1), optional.none()]) == [1]", "format.dns1123Label().validate('A').hasValue()",
        "!format.dns1123LabelPrefix().validate('a-').hasValue() && format.dns1035Label().validate('1a').hasValue()",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
        "isSemver('v1.2', true) && !isSemver('v1.2') && semver('v01.2', true).minor() == 2",
        "semver('1.0.0-alpha.2').compareTo(semver('1.0.0-alpha.10')) == -1 && !isSemver('1.2.03')",
    ])
    func isTrue(source: String) throws {
        guard case .bool(true) = try evaluate(source) else {
            Issue.record("\(source) is \(try evaluate(source))")
            return
        }
    }

    @Test(arguments: [
        (
            "1 +",
            "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
        ), ("self.missing", "no such key: missing"),
        ("nope", "undeclared reference to 'nope' (in container '')"),
        ("1 / 0", "division by zero"), ("9223372036854775807 + 1", "integer overflow"), ("1 + 'a'", "no such overload: _+_"),
        ("[1][5]", "index out of bounds: 5"),
        ("nope(1)", "undeclared reference to 'nope' (in container '')"),
        ("'a'.matches('(')", "error parsing regexp: missing closing ): `(`"),
        ("for", "reserved identifier: for"), ("'abc", "Syntax error: token recognition error at: ''abc'"),
        ("#", "Syntax error: token recognition error at: '#'"),
    ])
    func fails(source: String, message: String) {
        do {
            let value = try evaluate(source)
            Issue.record("\(source) is \(value)")
        } catch let error as CELError {
            #expect(error.description == message)
        } catch { Issue.record("\(error)") }
    }

    @Test func hostileExpressionsAreBounded() {
        #expect(throws: CELError.self) { try CELProgram(String(repeating: "(", count: 50_000)) }
        #expect(throws: CELError.self) { try CELProgram(String(repeating: "[", count: 5_000)) }
        #expect(throws: Never.self) { try CELProgram("true" + String(repeating: " && true", count: 5_000)) }
        let loops = "[1,2,3,4,5,6,7,8,9,10]"
        let source = "\(loops).all(a, \(loops).all(b, \(loops).all(c, \(loops).all(d, \(loops).all(e, \(loops).all(f, true))))))"
        do {
            _ = try evaluate(source, budget: 100_000)
            Issue.record("no limit")
        } catch { #expect((error as? CELError)?.isCostExceeded == true) }
    }

    @Test func survivesRandomText() {
        var state: UInt64 = 3
        let words = [
            "self", ".", "(", ")", "[", "]", "{", "}", "1", "'a'", "+", "-", "!", "?", ":", ",", "all", "x", "has", "in", "==",
            "&&", "||", "size", " ", "\"", "0x", "1u", "b'", "map",
        ]
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += words[Int(state >> 33) % words.count]
            }
            _ = try? evaluate(text, budget: 10_000)
        }
    }

    @Test func tellsItsFreeNames() throws {
        #expect(try CELProgram("self.a.all(x, x > y) && z[0] == int(w)").freeNames == ["self", "y", "z", "w"])
    }
}
