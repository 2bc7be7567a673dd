import KubeObject
import Testing

@testable import KubeSchema

private func yaml(_ text: String) throws -> JSON { try #require(try YAML.parse(text.utf8).first) }

@Suite("Rules of custom resources")
struct ValidationRuleTests {
    static let schema = """
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "self.min <= self.max", message: "min must not exceed max"}
            - {rule: "!has(self.name) || self.name != 'bad'", messageExpression: "'no ' + self.name", fieldPath: ".name", reason: FieldValueForbidden}
            - {rule: "self.max < 100"}
            properties:
              min: {type: integer, default: 0}
              max: {type: integer}
              name: {type: string, x-kubernetes-validations: [{rule: "self == oldSelf", message: "is immutable"}]}
              ratio: {type: number, x-kubernetes-validations: [{rule: "self * 2.0 < 10.0"}]}
              wait: {type: string, format: duration, x-kubernetes-validations: [{rule: "self < duration('1h')"}]}
              once: {type: string, x-kubernetes-validations: [{rule: "!oldSelf.hasValue() || oldSelf.value() == self", optionalOldSelf: true}]}
              items:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [k]
                items: {type: object, properties: {k: {type: string}, v: {type: integer, x-kubernetes-validations: [{rule: "self >= oldSelf"}]}}}
        """

    @Test(arguments: [
        ("{min: 1, max: 2}", nil, []),
        ("{min: 3, max: 2}", nil, ["spec: Invalid value: min must not exceed max"]),
        ("{min: 1, max: 200}", nil, ["spec: Invalid value: failed rule: self.max < 100"]),
        ("{min: 1, max: 2, name: bad}", nil, ["spec.name: Forbidden: no bad"]),
        ("{min: 1, max: 2, name: b}", "{min: 1, max: 2, name: a}", ["spec.name: Invalid value: \"b\": is immutable"]),
        ("{min: 1, max: 2, ratio: 7}", nil, ["spec.ratio: Invalid value: 7: failed rule: self * 2.0 < 10.0"]),
        ("{min: 1, max: 2, ratio: 2, wait: 5m}", nil, []),
        ("{min: 1, max: 2, wait: 2h}", nil, ["spec.wait: Invalid value: \"2h\": failed rule: self < duration('1h')"]),
        ("{min: 1, max: 2, once: a}", "{min: 1, max: 2}", []),
        (
            "{min: 1, max: 2, once: b}", "{min: 1, max: 2, once: a}",
            ["spec.once: Invalid value: \"b\": failed rule: !oldSelf.hasValue() || oldSelf.value() == self"]
        ),
        (
            "{min: 1, max: 2, items: [{k: c, v: 0}, {k: b, v: 1}, {k: a, v: 3}]}",
            "{min: 1, max: 2, items: [{k: a, v: 2}, {k: b, v: 2}]}",
            ["spec.items[1].v: Invalid value: 1: failed rule: self >= oldSelf"]
        ),
        ("{max: 2}", nil, ["spec: Invalid value: \"object\": no such key: min evaluating rule: min must not exceed max"]),
    ])
    func `rules are evaluated`(spec: String, old: String?, expected: [String]) throws {
        let schema = try StructuralSchema(try yaml(Self.schema))
        let outcome = schema.ruleOutcome(of: ["spec": try yaml(spec)], old: try old.map { ["spec": try yaml($0)] })
        #expect(outcome.errors.map(\.description) == expected)
        #expect(outcome.warnings == [])
    }

    @Test func `what didn't change is warned about only`() throws {
        let schema = try StructuralSchema(try yaml(Self.schema))
        let spec = try yaml("{min: 3, max: 2}")
        let outcome = schema.ruleOutcome(of: ["spec": spec, "a": 1], old: ["spec": spec])
        #expect(outcome.errors == [])
        #expect(outcome.warnings == ["spec: Invalid value: min must not exceed max"])
    }

    @Test func `rules of one object share a budget`() throws {
        let schema = try StructuralSchema(
            try yaml(
                "{type: object, x-kubernetes-validations: [{rule: 'self.l.all(x, self.l.all(y, x + y >= 0))'}], properties: {l: {type: array, items: {type: integer}}}}"
            ))
        let small = schema.ruleOutcome(of: ["l": .array((0..<100).map { .int($0) })], old: nil, limit: 1000)
        #expect(
            small.errors.map(\.description) == [
                "<nil>: Invalid value: \"object\": validation failed due to running out of cost budget, no further validation rules will be run"
            ])
        let large = schema.ruleOutcome(of: ["l": .array((0..<2000).map { .int($0) })], old: nil)
        #expect(large.errors.count == 1)
        #expect(
            large.errors.first?.detail.contains("no further validation rules will be run due to call cost exceeds limit for rule")
                == true)
    }
}
