import KubeObject

/// A named format: `format.named("dns1123Label").value().validate(text)` gives what is wrong, or nothing.
enum CELFormat: String, CELOpaque, CaseIterable {
    case dns1123Label, dns1123Subdomain, dns1035Label, qualifiedName, dns1123LabelPrefix, dns1123SubdomainPrefix
    case dns1035LabelPrefix, labelValue, uri, uuid, byte, date, datetime

    var typeName: String { "kubernetes.NamedFormat" }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        guard function == "validate", arguments.count == 1, case .string(let text) = arguments[0] else {
            throw .noOverload(function)
        }
        let problem: String? =
            switch self {
            case .dns1123Label: ObjectNames.label1123Problems(text).first
            case .dns1123LabelPrefix: ObjectNames.label1123Problems(Self.completed(text)).first
            case .dns1123Subdomain: ObjectNames.subdomainProblem(text)
            case .dns1123SubdomainPrefix: ObjectNames.subdomainProblem(Self.completed(text))
            case .dns1035Label: ObjectNames.labelProblem(text)
            case .dns1035LabelPrefix: ObjectNames.labelProblem(Self.completed(text))
            case .qualifiedName: LabelSyntax.keyProblem(text)
            case .labelValue: LabelSyntax.valueProblem(text)
            case .uri: CELURL(text) == nil ? "invalid URI" : nil
            case .uuid: isUUID(text) ? nil : "does not match the UUID format"
            case .byte: Base64.decode(text) == nil ? "invalid base64" : nil
            case .date: Timestamp.parse("\(text)T00:00:00Z") == nil ? "invalid date" : nil
            case .datetime: Timestamp.parse(text) == nil ? "invalid datetime" : nil
            }
        return .optional(problem.map { .list([.string($0)]) })
    }

    /// A prefix may end with a dash.
    private static func completed(_ prefix: String) -> String {
        prefix.utf8.count > 1 && prefix.hasSuffix("-") ? prefix.dropLast(2) + "a" : prefix
    }

    private func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }
}
