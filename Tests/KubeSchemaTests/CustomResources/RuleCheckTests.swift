import KubeObject
import Testing

@testable import KubeSchema

/// What a v1.36 API server said of each rule, at a schema with a field of each kind.
@Suite("Rules of definitions")
struct RuleCheckTests {
    static let schema = """
        type: object
        properties:
          spec:
            type: object
            properties:
              name: {type: string, maxLength: 64}
              replicas: {type: integer}
              tags: {type: array, items: {type: string}}
              few: {type: array, maxItems: 10, items: {type: string, maxLength: 10}}
              labels: {type: object, additionalProperties: {type: string}}
              when: {type: string, format: date-time}
              ratio: {type: number}
              any: {x-kubernetes-preserve-unknown-fields: true}
              ios: {x-kubernetes-int-or-string: true}
              sub: {type: object, properties: {a-b: {type: string}, namespace: {type: string}, 'n': {type: integer}}}
              objs: {type: array, maxItems: 5, items: {type: object, properties: {k: {type: string}, v: {type: integer}}}}
              flag: {type: boolean}
              wait: {type: string, format: duration}
              raw: {type: string, format: byte}
        """

    private static let operands =
        "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

    static func errors(_ rules: JSON) throws -> [FieldError] {
        var schema = try #require(try YAML.parse(Self.schema.utf8).first)
        schema[path: "properties", "spec", "x-kubernetes-validations"] = rules
        return RuleCheck.errors(in: try StructuralSchema(schema), "s", isUnchanged: false)
    }

    /// As the tables below say it.
    static func verdict(_ rule: String) throws -> String {
        let errors = try errors([["rule": .string(rule)]])
        guard let first = errors.first else { return "ok" }
        if first.detail == "cel expression must evaluate to a bool" { return "not a bool" }
        if first.detail.hasPrefix("program instantiation failed: ") { return "pattern" }
        if first.detail.hasPrefix("compilation failed: ") {
            return first.detail.split(separator: "\n").compactMap { line in
                line.firstRange(of: "ERROR: <input>:").map { String(line[$0.upperBound...]).replacing(operands, with: "OPERAND") }
            }.joined(separator: " ~ ")
        }
        func factor(_ beginning: String) -> String? {
            let detail = errors.first { $0.detail.hasPrefix(beginning) }?.detail
            guard let detail, let start = detail.firstRange(of: "by factor of "), let end = detail.firstRange(of: " (try") else {
                return nil
            }
            return String(detail[start.upperBound..<end.lowerBound])
        }
        let total = factor("x-kubernetes-validations estimated rule cost total").map { " total \($0)" } ?? ""
        return "cost \(factor("estimated rule cost exceeds") ?? "-")\(total)"
    }

    static func expectTable(_ table: String) throws {
        for line in table.split(separator: "\n") {
            let arrow = try #require(line.firstRange(of: "  ⇒  "))
            let rule = String(line[..<arrow.lowerBound])
            #expect(try verdict(rule) == String(line[arrow.upperBound...]), "\(rule)")
        }
    }

    @Test func `mistakes are found, in upstream's words`() throws { try Self.expectTable(Self.mistakes) }
    @Test func `right rules and expensive ones are told apart`() throws { try Self.expectTable(Self.costs) }

    @Test func `a mistake is shown where it stands`() throws {
        let error = try #require(try Self.errors([["rule": "self.name == 'ä' &&\n\tself.nope < 1", "message": "m"]]).first)
        #expect(
            error.description == """
                s.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.name == 'ä' \\u0026\\u0026\\n\\tself.nope \\u003c 1","Message":"m","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:2:6: undefined field 'nope'
                 |  self.nope < 1
                 | .....^
                """)
    }

    @Test(
        arguments: [
            (["rule": "true", "messageExpression": "1"], ["messageExpression must evaluate to a string"]),
            (["rule": "true", "messageExpression": "self.few.join(', ') + self.name"], []),
            (["rule": "true", "optionalOldSelf": false], ["may not be set if oldSelf is not used in rule"]),
            (["rule": "oldSelf.orValue(self) == self", "optionalOldSelf": true], []),
            (
                ["rule": "true", "messageExpression": "self.tags.join(', ')"],
                [
                    "estimated messageExpression cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)",
                    "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
                    "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)",
                ]
            ),
        ] as [(JSON, [String])])
    func `messages and optional old values are checked`(rule: JSON, expected: [String]) throws {
        #expect(try Self.errors([rule]).map(\.detail) == expected)
    }

    @Test func `hostile rules end`() throws {
        // Types that double with each step, and more of everything than a person writes.
        let doubling = "optional.of(1)" + String(repeating: ".optMap(a, {a: a})", count: 100) + ".hasValue()"
        let wide = "[" + String(repeating: "self.few.map(x, x == 'a'),", count: 2000) + "].size() > 0"
        let chain = Array(repeating: "self.name == self.name", count: 4000).joined(separator: " && ")
        for rule in [doubling, wide, chain, String(repeating: "(", count: 90_000), String(repeating: "self.", count: 10_000)] {
            _ = try Self.errors([["rule": .string(rule)]])
        }
    }

    @Test(arguments: [
        ("{type: array, items: {type: boolean, x-kubernetes-validations: [{rule: self == oldSelf}]}}", "s.properties[spec]"),
        (
            "{type: array, x-kubernetes-list-type: set, items: {type: string, x-kubernetes-validations: [{rule: self == oldSelf}]}}",
            "s.properties[spec]"
        ),
        (
            "{type: array, maxItems: 3, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], properties: {k: {type: string}, v: {type: string, x-kubernetes-validations: [{rule: self == oldSelf}]}}}}",
            nil
        ),
        (
            "{type: object, x-kubernetes-map-type: atomic, properties: {v: {type: string, x-kubernetes-validations: [{rule: self == oldSelf}]}}}",
            nil
        ),
    ])
    func `old values are found only where there is a way to`(schema: String, part: String?) throws {
        let schema = try #require(try YAML.parse("{type: object, properties: {spec: \(schema)}}".utf8).first)
        let details = RuleCheck.errors(in: try StructuralSchema(schema), "s", isUnchanged: true).map(\.detail)
        #expect(
            details.filter { $0.hasPrefix("oldSelf") }
                == (part.map { ["oldSelf cannot be used on the uncorrelatable portion of the schema within \($0)"] } ?? []))
    }

    @Test func `defaults have to meet the rules`() throws {
        let schema = try #require(
            try YAML.parse(
                "{type: object, properties: {a: {type: string, default: x, x-kubernetes-validations: [{rule: self == 'a'}]}}}"
                    .utf8
            ).first)
        #expect(
            CustomResourceVersionRules.schema(schema, hasStatus: false, isUnchanged: false, "s").map(\.description) == [
                "s.properties[a].default: Invalid value: \"x\": failed rule: self == 'a'"
            ])
    }
}
