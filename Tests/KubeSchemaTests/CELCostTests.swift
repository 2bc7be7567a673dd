import KubeObject
import Testing

@testable import KubeSchema

/// What expressions cost on v1.36's own server: measured there by how large a list may be until the limit ends `all` over it.
struct CELCostTests {
    private static let object: JSON = [
        "few": [1, 2], "flag": true, "inner": ["flag": true], "m": ["a": 1],
        "s": .string(String(repeating: "abcdefghij", count: 10)), "objs": [["a": 1], ["a": 1]],
    ]

    private func suffices(_ source: String, _ limit: Int) throws -> Bool {
        var budget = CELBudget(limit)
        do throws(CELError) {
            _ = try CELProgram(source).evaluate(
                CELVariables(["self": CELValue(Self.object), "x": .int(1)]), budget: &budget)
            return true
        } catch {
            guard error.isCostExceeded else { throw error }
            return false
        }
    }

    @Test(
        arguments: [
            ("true", 0), ("x == 1", 2), ("x < 2", 2), ("x in [1,2]", 1), ("x in self.few", 5), ("!(x == 2)", 3),
            ("x == 1 && x == 1", 4), ("x == 2 || x == 1", 4), ("x == 1 ? true : false", 2), ("x == 1 ? self.flag : false", 3),
            ("(x == 1 ? self.few : self.few).size() == 2", 5), ("x == 1 ? self.inner.flag : false", 4), ("x + 1 == 2", 3),
            ("-x == -1", 3), ("int(x) == 1", 3), ("string(x) == '1'", 3), ("double(x) == 1.0", 3), ("self.few[0] == 1", 4),
            ("self.m['a'] == 1", 4), ("self.m.a == 1", 4), ("has(self.m.a)", 2), ("has(self.inner)", 1),
            ("has(self.inner.flag)", 2), ("[1,2].size() == 2", 2), ("[x,1].size() == 2", 13), ("{'a':x}.size() == 1", 33),
            ("self.few.exists(y, false) == false", 12), ("self.few.exists_one(y, y == 1)", 10),
            ("self.few.map(y, y).size() == 2", 31), ("self.few.filter(y, y == 1).size() == 1", 22),
            ("self.few.all(i, v, true)", 9),
            ("self.few.transformList(i, v, v).size() == 2", 31), ("self.few.transformMap(i, v, v).size() == 2", 13),
            ("self.few.existsOne(i, v, v == 1)", 10), ("self.?inner.flag.orValue(false)", 3), ("optional.of(x).hasValue()", 3),
            ("self.s.startsWith('ab')", 3), ("self.s == self.s", 14), ("self.few == self.few", 5),
            ("duration('1h') == duration('60m')", 1), ("self.few.transformMapEntry(i, v, {v: i}).size() == 2", 73),
            ("self.few.distinct().size() == 2", 23), ("self.few.sort().size() == 2", 23), ("'%s'.format([self.s]) != ''", 13),
        ])
    func costsAreUpstreams(_ source: String, _ cost: Int) throws {
        #expect(try suffices(source, cost))
        if cost > 0 { #expect(try !suffices(source, cost - 1)) }
    }

    /// By the formula of upstream's source.
    @Test(
        arguments: [
            ("[1].all(y, y == 1)", 6), ("self.few.all(y, y == 9)", 2 + 5 + 2 + 1), ("self.few.exists(y, y == 1)", 2 + 6 + 3 + 1),
            ("self.few.map(y, y)", 2 + 2 * 13 + 1), ("self.few.filter(y, y == 1)", 2 + 2 * 2 + 13 + 1),
            ("self.few.exists_one(y, y == 1)", 2 + 2 * 2 + 2 + 2),
            ("self.s.contains('abcdefghijk')", 2 + 20), ("self.s.matches('^ab.*$')", 2 + 22), ("self.s + self.s", 4 + 20),
            ("self.s.split('a')", 2 + 20), ("['a', self.s].join(',')", 12 + 21),
            ("self.few.sum()", 4), ("'a' == 'a'", 1),
        ])
    func costsFollowTheFormula(_ source: String, _ cost: Int) throws {
        #expect(try suffices(source, cost))
        #expect(try !suffices(source, cost - 1))
    }

    @Test(
        arguments: [
            ("int('a') == 1", "type conversion error from 'string' to 'int'"), ("uint(-1) == 1u", "unsigned integer overflow"),
            ("double('x') == 1.0", "type conversion error from 'string' to 'double'"),
            ("double('1e400') > 1.0", "type conversion error from 'string' to 'double'"),
            ("bool('x')", "type conversion error from 'string' to 'bool'"), ("int(1e30) == 1", "integer overflow"),
            ("int(18446744073709551615u) == 1", "integer overflow"), ("uint(-1.0) == 1u", "unsigned integer overflow"),
            ("int(int('a')) == 1", "type conversion error from 'string' to 'int'"),
            ("int(string('a')) == 1", "type conversion error from 'string' to 'int'"),
            ("true ? int('a') == 1 : true", "type conversion error from 'string' to 'int'"),
            ("int(' 1') == 1", "type conversion error from 'string' to 'int'"),
            ("'a'.find('(') == ''", "error parsing regexp: missing closing ): `(`"), ("string(1) == '1'", nil),
            ("int('+1') == 1", nil), ("1 / 0 == 1", nil), ("bool('TRUE')", nil), ("dyn('a') == 1", nil),
        ] as [(String, String?)])
    func whatIsKnownIsConvertedBeforehand(_ source: String, _ problem: String?) throws {
        let checked = try CELProgram.checked(source, in: CELEnvironment()).checked
        #expect(checked.instantiationProblem == problem)
    }

    @Test func timestampsAreOfTheYearsThatThereAre() {
        #expect(throws: CELIssues.self) {
            try CELProgram.checked("timestamp(99999999999999) > timestamp(0)", in: CELEnvironment())
        }
        #expect(throws: Never.self) { try CELProgram.checked("timestamp(253402300799) > timestamp(0)", in: CELEnvironment()) }
    }
}
