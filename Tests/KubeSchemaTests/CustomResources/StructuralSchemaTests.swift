import KubeObject
import Testing

@testable import KubeSchema

private func yaml(_ text: String) throws -> JSON { try #require(try YAML.parse(text.utf8).first) }

@Suite("Structural schemas")
struct StructuralSchemaTests {
    @Test(arguments: [
        ("{type: object, properties: {spec: {type: object}}}", nil),
        ("{properties: {}}", "s.type: Required value: must not be empty at the root"),
        ("{type: array, items: {type: string}}", "s.type: Invalid value: \"array\": must be object at the root"),
        ("{type: object, properties: {a: {type: array}}}", "s.properties[a].items: Required value: must be specified"),
        (
            "{type: object, properties: {a: {}}}",
            "s.properties[a].type: Required value: must not be empty for specified object fields"
        ),
        (
            "{type: object, properties: {a: {type: array, items: {}}}}",
            "s.properties[a].items.type: Required value: must not be empty for specified array items"
        ),
        ("{type: object, properties: {a: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}}", nil),
        (
            "{type: object, properties: {a: {type: string, anyOf: [{type: integer}, {pattern: a}]}}}",
            "s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural"
        ),
        (
            "{type: object, oneOf: [{properties: {b: {pattern: a}}}]}",
            "s.properties[b]: Required value: because it is defined in s.oneOf[0].properties[b]"
        ),
        (
            "{type: object, properties: {metadata: {type: object, properties: {labels: {type: object}}}}}",
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"
        ),
        (
            "{type: object, properties: {a: {type: string, uniqueItems: true}}}",
            "s.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        ),
        (
            "{type: object, properties: {a: {type: object, properties: {b: {type: string}}, additionalProperties: {type: string}}}}",
            "s.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"
        ),
        ("{type: object, $ref: x}", "s.$ref: Forbidden: $ref is not supported"),
        (
            "{type: object, properties: {a: {type: object, x-kubernetes-embedded-resource: true}}}",
            "s.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        ),
        (
            "{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, items: {type: object}}}}",
            "s.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"
        ),
        (
            "{type: object, x-kubernetes-validations: [{rule: ' '}]}",
            "s.x-kubernetes-validations[0].rule: Required value: rule is not specified"
        ),
        (
            "{type: object, x-kubernetes-validations: [{rule: 'true', message: ' '}]}",
            "s.x-kubernetes-validations[0].message: Invalid value: \" \": must be non-empty if specified"
        ),
        (
            "{type: object, x-kubernetes-validations: [{rule: 'true', messageExpression: ' '}]}",
            "s.x-kubernetes-validations[0].messageExpression: Required value: messageExpression must be non-empty if specified"
        ),
        (
            "{type: object, x-kubernetes-validations: [{rule: \"true\\n&& true\"}]}",
            "s.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks"
        ),
        (
            "{type: object, properties: {a: {type: string}}, x-kubernetes-validations: [{rule: 'true', fieldPath: .b}]}",
            "s.x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": must be a valid path"
        ),
        (
            "{type: object, properties: {a: {type: string}}, x-kubernetes-validations: [{rule: 'true', fieldPath: .a}]}", nil
        ),
        ("{type: object, properties: {a: {type: object, additionalProperties: false}}}", nil),
        (
            "{type: object, properties: {a: {type: array, x-kubernetes-list-type: set, items: {type: object}}}}",
            "s.properties[a].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set"
        ),
    ])
    func `violations are told in upstream's words`(schema: String, expected: String?) throws {
        let errors = StructuralCheck.errors(in: try yaml(schema), path: "s").map(\.description)
        if let expected {
            #expect(errors.contains { $0.hasPrefix(expected) }, "\(errors)")
        } else {
            #expect(errors == [])
        }
    }

    @Test func `depth is bounded`() {
        var schema: JSON = ["type": "string"]
        for _ in 0..<200 { schema = ["type": "object", "properties": ["a": schema]] }
        #expect(throws: SchemaError.self) { try StructuralSchema(schema) }
        #expect(!StructuralCheck.errors(in: schema, path: "s").isEmpty)
    }

    @Test func `the memory of patterns is bounded`() {
        var properties: JSON = [:]
        for index in 0..<50 { properties["p\(index)"] = ["type": "string", "pattern": "(a{1000}){19}"] }
        let schema: JSON = ["type": "object", "properties": properties]
        #expect(throws: SchemaError.self) { try StructuralSchema(schema) }
        #expect(StructuralCheck.errors(in: schema, path: "s").count { $0.detail.contains("too large together") } == 1)
    }

    static let values = """
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [name]
            minProperties: 1
            properties:
              name: {type: string, maxLength: 5, minLength: 2, pattern: '^[a-z]+$'}
              size: {type: integer, minimum: 1, maximum: 10, exclusiveMaximum: true}
              step: {type: integer, multipleOf: 5}
              ratio: {type: number, maximum: 1.5}
              port: {x-kubernetes-int-or-string: true}
              mode: {type: string, enum: [fast, slow]}
              day: {type: string, format: date}
              maybe: {type: string, nullable: true}
              tags: {type: array, minItems: 1, maxItems: 3, x-kubernetes-list-type: set, items: {type: string}}
              ports: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: ['n'], items: {type: object, properties: {'n': {type: string}, p: {type: integer}}}}
              labels: {type: object, maxProperties: 2, additionalProperties: {type: string}}
              one: {type: object, properties: {a: {type: integer}, b: {type: integer}}, oneOf: [{required: [a]}, {required: [b]}]}
              any: {type: integer, anyOf: [{minimum: 10}, {maximum: 5}]}
              all: {type: integer, allOf: [{minimum: 10}, {multipleOf: 2}]}
              'no': {type: string, not: {enum: [x]}}
              embedded: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
        """

    @Test(arguments: [
        ("{spec: {name: abc, size: 3, step: 10, ratio: 1, port: 80, mode: fast, day: 2026-01-02, maybe: null, tags: [a]}}", []),
        ("{spec: {name: abc, port: http, labels: {a: b}, one: {a: 1}, any: 3, all: 12, 'no': 'y'}}", []),
        ("{}", ["spec: Required value"]),
        ("{spec: 1}", ["spec: Invalid value: \"integer\": spec in body must be of type object: \"integer\""]),
        ("{spec: {}}", ["spec: Invalid value: 1: spec in body should have at least 1 properties", "spec.name: Required value"]),
        ("{spec: {name: a}}", ["spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long"]),
        ("{spec: {name: abcdef}}", ["spec.name: Too long: may not be more than 5 bytes"]),
        ("{spec: {name: AB}}", ["spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'"]),
        ("{spec: {name: ab, size: 0}}", ["spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"]),
        ("{spec: {name: ab, size: 10}}", ["spec.size: Invalid value: 10: spec.size in body should be less than 10"]),
        (
            "{spec: {name: ab, size: x}}",
            ["spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""]
        ),
        (
            "{spec: {name: ab, size: 1.5}}",
            [
                "spec.size: Invalid value: \"number\": spec.size in body must be of type integer: \"number\"",
                "<nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec.size",
            ]
        ),
        ("{spec: {name: ab, step: 7}}", ["spec.step: Invalid value: 7: spec.step in body should be a multiple of 5"]),
        (
            "{spec: {name: ab, ratio: 2}}",
            ["spec.ratio: Invalid value: 2: spec.ratio in body should be less than or equal to 1.5"]
        ),
        (
            "{spec: {name: ab, port: true}}",
            ["spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\""]
        ),
        ("{spec: {name: ab, mode: off1}}", ["spec.mode: Unsupported value: \"off1\": supported values: \"fast\", \"slow\""]),
        (
            "{spec: {name: ab, day: today}}",
            ["spec.day: Invalid value: \"today\": spec.day in body must be of type date: \"today\""]
        ),
        ("{spec: {name: null}}", ["spec.name: Invalid value: \"null\": spec.name in body must be of type string: \"null\""]),
        ("{spec: {name: ab, tags: []}}", ["spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items"]),
        ("{spec: {name: ab, tags: [a, b, c, d]}}", ["spec.tags: Too many: 4: must have at most 3 items"]),
        ("{spec: {name: ab, tags: [a, b, a]}}", ["spec.tags[2]: Duplicate value: \"a\""]),
        ("{spec: {name: ab, ports: [{'n': a, p: 1}, {'n': a, p: 2}]}}", ["spec.ports[1]: Duplicate value: {\"n\":\"a\"}"]),
        (
            "{spec: {name: ab, ports: [{'n': 5}]}}",
            ["spec.ports[0].n: Invalid value: \"integer\": spec.ports[0].n in body must be of type string: \"integer\""]
        ),
        (
            "{spec: {name: ab, labels: {a: 1}}}",
            ["spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of type string: \"integer\""]
        ),
        ("{spec: {name: ab, labels: {a: a, b: b, c: c}}}", ["spec.labels: Too many: 3: must have at most 2 items"]),
        (
            "{spec: {name: ab, one: {a: 1, b: 1}}}",
            ["<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives"]
        ),
        (
            "{spec: {name: ab, any: 7}}",
            [
                "<nil>: Invalid value: \"\": \"spec.any\" must validate at least one schema (anyOf)",
                "spec.any: Invalid value: 7: spec.any in body should be greater than or equal to 10",
            ]
        ),
        (
            "{spec: {name: ab, all: 11}}",
            [
                "spec.all: Invalid value: 11: spec.all in body should be a multiple of 2",
                "<nil>: Invalid value: \"\": \"spec.all\" must validate all the schemas (allOf)",
            ]
        ),
        ("{spec: {name: ab, 'no': x}}", ["<nil>: Invalid value: \"\": \"spec.no\" must not validate the schema (not)"]),
        ("{spec: {name: ab, embedded: {kind: A}}}", ["spec.embedded.apiVersion: Required value"]),
    ])
    func `values are checked`(object: String, expected: [String]) throws {
        let schema = try StructuralSchema(try yaml(Self.values))
        #expect(schema.errors(in: try yaml(object)).map(\.description) == expected)
    }

    @Test func `what was wrong before and didn't change isn't told`() throws {
        let schema = try StructuralSchema(try yaml(Self.values))
        let old = try yaml("{spec: {name: ABC, ports: [{'n': a, p: x}], size: 2}}")
        #expect(schema.errors(in: try yaml("{spec: {name: ABC, ports: [{'n': b}, {'n': a, p: x}], size: 3}}"), old: old) == [])
        #expect(schema.errors(in: try yaml("{spec: {name: ABD, size: 3}}"), old: old).count == 1)
    }

    @Test(arguments: [
        ("ipv4", "10.0.0.1", "::1"), ("ipv6", "::1", "1.2.3.4"), ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("uuid", "00000000-0000-0000-0000-000000000000", "x"),
        ("date-time", "2026-01-02T03:04:05Z", "2026-01-02"), ("duration", "1h30m", "1x"), ("duration", "5 days", ""),
        ("byte", "aGk=", "%"),
        ("email", "a@b.c", "a"), ("hostname", "a.b", "-a"), ("uri", "https://a/b", "nope"), ("mac", "00:11:22:33:44:55", "00:11"),
        ("hexcolor", "#fff", "#ggg"), ("rgbcolor", "rgb(1, 2, 255)", "rgb(1,2)"), ("isbn10", "0306406152", "0306406153"),
        ("isbn13", "9780306406157", "9780306406158"),
        ("creditcard", "4111111111111111", "4111111111111112"), ("ssn", "123-45-6789", "12"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "5"),
        ("uuid4", "9b2e1b1e-6a0e-4b1e-8b1e-9b2e1b1e6a0e", "9b2e1b1e-6a0e-1b1e-8b1e-9b2e1b1e6a0e"),
        ("k8s-short-name", "a-b", "a.b"),
        ("k8s-long-name", "a.b", "A"), ("uuid3", "9b2e1b1e-6a0e-3b1e-8b1e-9b2e1b1e6a0e", "x"),
        ("uuid5", "9b2e1b1e-6a0e-5b1e-8b1e-9b2e1b1e6a0e", "x"),
    ])
    func formats(format: String, good: String, bad: String) {
        #expect(StringFormat.isValid(good, format))
        #expect(!StringFormat.isValid(bad, format))
    }
}

@Suite("Custom objects' shape")
struct StructuralShapeTests {
    @Test func `defaults are set at every level and nulls go`() throws {
        let schema = try StructuralSchema(
            try yaml(
                """
                type: object
                properties:
                  spec:
                    type: object
                    default: {}
                    properties:
                      size: {type: integer, default: 3}
                      keep: {type: string, nullable: true, default: x}
                      drop: {type: string}
                      list: {type: array, items: {type: object, properties: {p: {type: string, default: TCP}}}}
                      map: {type: object, additionalProperties: {type: object, properties: {q: {type: integer, default: 1}}}}
                """))
        var empty: JSON = [:]
        schema.applyDefaults(to: &empty)
        #expect(empty == ["spec": ["size": 3, "keep": "x"]])
        var full = try yaml("{spec: {size: null, keep: null, drop: null, list: [{}, {p: UDP}], map: {a: {}}}}")
        schema.applyDefaults(to: &full)
        #expect(full == (try yaml("{spec: {size: 3, keep: null, list: [{p: TCP}, {p: UDP}], map: {a: {q: 1}}}}")))
    }

    @Test func `unknown fields are pruned and told`() throws {
        let schema = try StructuralSchema(
            try yaml(
                """
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      list: {type: array, items: {type: object, properties: {a: {type: string}}}}
                      any: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {strict: {type: object}}}
                      map: {type: object, additionalProperties: {type: object}}
                      raw: {type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}}
                """))
        let decoded = try schema.decode(
            try yaml(
                """
                {apiVersion: a/v1, kind: A, metadata: {name: x, foo: 1}, other: 1, spec: {bar: 1, list: [{a: b, c: d}],
                 any: {x: {'y': 1}, strict: {z: 1}}, map: {k: {v: 1}}, raw: {apiVersion: v1, kind: B, metadata: {name: 'y', baz: 1}, data: 1}}}
                """))
        #expect(
            decoded.unknownFields.sorted() == [
                "metadata.foo", "other", "spec.any.strict.z", "spec.bar", "spec.list[0].c", "spec.map.k.v", "spec.raw.data",
                "spec.raw.metadata.baz",
            ])
        #expect(
            decoded.tree["spec"]
                == (try yaml(
                    "{any: {x: {'y': 1}, strict: {}}, list: [{a: b}], map: {k: {}}, raw: {apiVersion: v1, kind: B, metadata: {name: 'y'}}}"
                )))
        #expect(throws: DecodeError.self) { try schema.decode(["metadata": ["labels": "x"]]) }
    }
}
