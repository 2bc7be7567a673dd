import KubeObject

/// ConfigMap: keys that can be files' names, at most 1 MiB, and immutable where it says so.
struct ConfigMapRules: KindRules {
    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        var size = 0
        for (key, value) in object["data"]?.object ?? [:] {
            errors.invalid("data[\(key)]", key, Names.configKey(key))
            if object["binaryData"]?[key] != nil {
                errors.invalid("data[\(key)]", .string(key), "duplicate of key present in binaryData")
            }
            size += value.string?.utf8.count ?? 0
        }
        for (key, value) in object["binaryData"]?.object ?? [:] {
            errors.invalid("binaryData[\(key)]", key, Names.configKey(key))
            size += Base64.decodedCount(value.string ?? "")
        }
        if size > SecretRules.maximumSize { errors.add(.tooLong("[]", maximum: SecretRules.maximumSize)) }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        Self.validateImmutable(object, old, ["data", "binaryData"], &errors)
        validate(object, &errors)
    }

    /// What has said that it is immutable stays as it is, and stays immutable.
    static func validateImmutable(_ object: JSON, _ old: JSON, _ keys: [String], _ errors: inout FieldErrors) {
        guard old["immutable"]?.bool == true else { return }
        let why = "field is immutable when `immutable` is set"
        if object["immutable"]?.bool != true { errors.forbidden("immutable", why) }
        for key in keys where !FieldErrors.isSame(object[key], old[key]) { errors.forbidden(key, why) }
    }
}

/// What is asked of base64 texts without decoding them.
enum Base64 {
    /// How many bytes the text stands for.
    static func decodedCount(_ text: String) -> Int {
        let count = text.utf8.count
        let padding = text.utf8.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        return max(0, count / 4 * 3 - padding)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                output.append(alphabet[Int(buffer >> UInt32(bits) & 63)])
            }
        }
        if bits > 0 { output.append(alphabet[Int(buffer << UInt32(6 - bits) & 63)]) }
        while output.count % 4 != 0 { output.append(UInt8(ascii: "=")) }
        return String(decoding: output, as: UTF8.self)
    }

    /// The bytes, or nil for a text that isn't base64 (line breaks are skipped).
    static func decode(_ text: String) -> [UInt8]? {
        var output: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 {
            let value: UInt32
            switch byte {
            case 0x41...0x5a: value = UInt32(byte - 0x41)
            case 0x61...0x7a: value = UInt32(byte - 0x61 + 26)
            case 0x30...0x39: value = UInt32(byte - 0x30 + 52)
            case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            case 0x0a, 0x0d: continue
            default: return nil
            }
            if padding > 0 { return nil }
            count += 1
            buffer = buffer << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(buffer >> UInt32(bits) & 255))
            }
        }
        return count % 4 == 1 ? nil : output
    }
}
