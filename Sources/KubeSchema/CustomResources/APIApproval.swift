import KubeObject

/// Whether a definition in one of Kubernetes' own groups was approved by its community (KEP-1111).
/// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#api-approved-kubernetes-io-v1
enum APIApproval {
    static let annotation = "api-approved.kubernetes.io"
    private static let proposal = "https://github.com/kubernetes/enhancements/pull/1111"

    case approved(String)
    /// The annotation says that it isn't, and that's taken.
    case bypassed(String)
    case missing
    case invalid(String)

    /// Nil for a group that anybody may define.
    init?(_ definition: JSON) {
        let group = definition[path: "spec", "group"]?.string ?? ""
        guard ["k8s.io", "kubernetes.io"].contains(where: { group == $0 || group.hasSuffix(".\($0)") }) else { return nil }
        let text = definition[path: "metadata", "annotations", Self.annotation]?.string ?? ""
        if text.isEmpty {
            self = .missing
        } else if text.hasPrefix("unapproved") {
            self = .bypassed(text)
        } else {
            self = Self.isURL(text) ? .approved(text) : .invalid(text)
        }
    }

    /// A scheme and a host.
    private static func isURL(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return false }
        let scheme = text[..<colon]
        let host = text[colon...].dropFirst(3).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && scheme.first?.isLetter ?? false
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") }
    }

    /// Why, in upstream's words.
    var message: String {
        switch self {
        case .approved(let text): "approved in \(text)"
        case .bypassed(let text): "not approved: \(JSON.string(text).text)"
        case .missing: "protected groups must have approval annotation \"\(Self.annotation)\", see \(Self.proposal)"
        case .invalid:
            "protected groups must have approval annotation \"\(Self.annotation)\" with either a URL or a reason starting with \"unapproved\", see \(Self.proposal)"
        }
    }

    var error: FieldError? {
        let path = "metadata.annotations[\(Self.annotation)]"
        switch self {
        case .approved, .bypassed: return nil
        case .missing: return .required(path, message)
        case .invalid(let text): return .invalid(path, .string(text), message)
        }
    }

    /// What the condition `KubernetesAPIApprovalPolicyConformant` says.
    var condition: (isTrue: Bool, reason: String, message: String) {
        switch self {
        case .approved: (true, "ApprovedAnnotation", message)
        case .bypassed: (false, "UnapprovedAnnotation", message)
        case .missing: (false, "MissingAnnotation", message)
        case .invalid: (false, "InvalidAnnotation", message)
        }
    }
}
