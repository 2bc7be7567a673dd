import KubeObject

/// Comparing and hashing pod templates, which decide whether two revisions of a workload are the same.
enum PodTemplate {
    static let hashLabel = "pod-template-hash"

    /// Whether two templates are the same but for the hash label and members that say nothing (null, empty).
    static func isSame(_ left: JSON, _ right: JSON) -> Bool {
        left == right || normalized(left) == normalized(right)
    }

    /// A name for the template's content that is safe in names and labels and never spells a word.
    /// - Parameter collisions: how many other contents have met the same name before.
    static func hash(_ template: JSON, collisions: Int64) -> String {
        // FNV-1a.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in normalized(template).encoded() { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        if collisions > 0 {
            for byte in String(collisions).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        let folded = UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
        return safe(String(folded))
    }

    /// Digits written with letters that make no words, as upstream's names have.
    static func safe(_ digits: String) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
        return String(decoding: digits.utf8.map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
    }

    private static func normalized(_ template: JSON) -> JSON {
        var template = template
        template[path: "metadata", "labels", hashLabel] = nil
        return withoutEmpty(template) ?? [:]
    }

    /// Only nulls go everywhere; an empty object may mean something (`emptyDir: {}`), so that goes from the metadata alone.
    private static func withoutEmpty(_ template: JSON) -> JSON? {
        var result = template.withoutNulls
        for key in ["labels", "annotations"] where result[path: "metadata", key]?.object?.isEmpty ?? false {
            result[path: "metadata", key] = nil
        }
        if result["metadata"]?.object?.isEmpty ?? false { result["metadata"] = nil }
        return result
    }
}

extension JSON {
    /// This value without the members of objects that are null.
    var withoutNulls: JSON {
        switch self {
        case .object(let members):
            .object(JSONObject(members.lazy.filter { !$0.value.isNull }.map { ($0.key, $0.value.withoutNulls) }))
        case .array(let elements): .array(elements.map(\.withoutNulls))
        default: self
        }
    }
}
