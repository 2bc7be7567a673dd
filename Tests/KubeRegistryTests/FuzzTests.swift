import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

/// Objects that have the right shape and absurd content must be refused, never trap.
@Suite struct FuzzTests {
    /// A small generator whose every run is the same (SplitMix64).
    struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }

    private static let texts = [
        "", "a", "web", "-", ".", "..", "/", "a/b/c", "é", "\u{0}", "None", "Always", "TCP", "ClusterIP", "NodePort", "Exists",
        "9223372036854775807", "-9223372036854775808", "100%", "%", "10.96.0.5", "999.1.1.1", "1e9999999", "1Ei",
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "RollingUpdate", "Resource", "LoadBalancer", "Terminating", "=", "a=b",
        String(repeating: "x", count: 300),
    ]
    private static let numbers: [Int64] = [0, 1, -1, 5, 65535, 65536, .max, .min, Int64(Int32.max), Int64(Int32.min)]

    private static func value(_ type: ValueType, _ depth: Int, _ dice: inout Dice) -> JSON {
        switch type.kind {
        case .bool: return .bool(Bool.random(using: &dice))
        case .int32: return .int(numbers.filter { Int32(exactly: $0) != nil }.randomElement(using: &dice) ?? 0)
        case .int64: return .int(numbers.randomElement(using: &dice) ?? 0)
        case .double: return .double([0, -1.5, 1e300].randomElement(using: &dice) ?? 0)
        case .string: return .string((type.enumValues + texts).randomElement(using: &dice) ?? "")
        case .bytes: return .string(["", "YQ==", "e30="].randomElement(using: &dice) ?? "")
        case .quantity:
            return .string(["0", "-1", "1", "100m", "1Gi", "9223372036854775807", "1e18"].randomElement(using: &dice) ?? "")
        case .time, .microTime:
            return .string(["9999-12-31T23:59:59Z", "2026-01-01T00:00:00Z"].randomElement(using: &dice) ?? "")
        case .duration: return "1h"
        case .intOrString: return Bool.random(using: &dice) ? .int(-1) : .string(texts.randomElement(using: &dice) ?? "")
        case .rawExtension, .anyJSON, .fieldsV1: return ["x": [1, "y", .null]]
        case .schemaOrBool: return true
        case .schemaOrArray, .schemaOrStrings: return [:]
        case .list:
            guard let element = type.element, depth > 0 else { return [] }
            return .array((0..<Int.random(in: 0...3, using: &dice)).map { _ in value(element, depth - 1, &dice) })
        case .map:
            guard let element = type.element, depth > 0 else { return [:] }
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0...2, using: &dice)).map { _ in
                        (texts.randomElement(using: &dice) ?? "", value(element, depth - 1, &dice))
                    }))
        case .object:
            guard let object = type.object, depth > 0 else { return [:] }
            return tree(object, depth - 1, &dice)
        }
    }

    private static func tree(_ type: TypeSchema, _ depth: Int, _ dice: inout Dice) -> JSON {
        var members: [(String, JSON)] = []
        for field in type.fields where Int.random(in: 0..<3, using: &dice) == 0 {
            members.append((field.jsonName, value(field.type, depth, &dice)))
        }
        return .object(JSONObject(members))
    }

    @Test(arguments: 0..<40)
    func everyKindSurvivesAbsurdContent(_ seed: UInt64) throws {
        var dice = Dice(state: seed)
        for resource in Schema.builtin.resources where resource.isStored {
            guard let type = resource.type else { continue }
            let rules = resource.rules
            func object() throws -> JSON? {
                var tree = Self.tree(type, 9, &dice)
                tree["apiVersion"] = .string(resource.apiVersion)
                tree["kind"] = .string(resource.kind)
                var warnings: [String] = []
                guard
                    let decoded = Result(catching: {
                        try Decoding.decode(tree, as: resource.gvk, type: type, validation: .warn, warnings: &warnings)
                    }).value
                else { return nil }
                var stored = Conversion.toStored(decoded, resource)
                rules.setDefaults(&stored)
                return stored
            }
            guard var old = try object(), let new = try object() else { continue }
            rules.prepareForCreate(&old)
            var errors = FieldErrors()
            ObjectMetaValidation.validate(old, isNamespaced: resource.isNamespaced, nameRule: rules.nameRule, &errors)
            rules.validate(old, &errors)
            for subresource in ["", "status", "resize", "ephemeralcontainers", "finalize", "approval"] {
                var changed = UpdatedFields.carryOver(new, old: old, resource, subresource: subresource, rules)
                if subresource == "status" {
                    rules.prepareForStatusUpdate(&changed, old: old)
                    rules.validateStatusUpdate(changed, old: old, &errors)
                } else {
                    rules.prepareForUpdate(&changed, old: old)
                    ObjectMetaValidation.validateUpdate(changed, old: old, &errors)
                    rules.validateUpdate(changed, old: old, &errors)
                }
                _ = DeletionRules.isDeletedByUpdate(changed, resource)
            }
            _ = errors.list.map(\.description)
            _ = try Scale.scale(of: old, resource)
            guard let stored = Result(catching: { try Object(new, resourceVersion: 1) }).value else { continue }
            _ = Table.row(Conversion.served(stored, resource), resource, include: .metadata)
            for grace: Int64? in [nil, .min, -1, 0, .max] {
                _ = DeletionRules.decide(
                    stored, resource, DeleteOptions(gracePeriodSeconds: grace), now: Timestamp.seconds)
            }
            if resource.group == rbacGroup {
                _ = RoleBindingView(stored).subjects.map(\.key)
                let rules = (new["rules"]?.elements ?? []).map(PolicyRule.init)
                _ = rules.map { $0.isCovered(by: rules) }
            }
        }
    }

    @Test(arguments: 0..<2000)
    func tokensSurviveNoise(_ seed: UInt64) {
        var dice = Dice(state: seed)
        let letters = Array("eyJydiI6Mjs=-_{}\"0123456789\u{0}é")
        let text = String((0..<Int.random(in: 0...40, using: &dice)).map { _ in letters.randomElement(using: &dice) ?? "e" })
        _ = Result { try ContinueToken(text) }.value
        _ = Base64.decode(text)
        _ = Addresses.ip(text)
    }
}
