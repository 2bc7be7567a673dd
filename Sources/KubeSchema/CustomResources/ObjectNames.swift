import KubeObject

/// The rules for names in definitions, in upstream's words.
enum ObjectNames {
    static let subdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    static let labelRule =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

    static let label1123Rule =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

    /// What is wrong with an RFC 1123 label; empty when it is one.
    static func label1123Problems(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 63 { problems.append("must be no more than 63 bytes") }
        if text.utf8.contains(UInt8(ascii: ".")) || !LabelSyntax.isSubdomain(text) { problems.append(label1123Rule) }
        return problems
    }

    /// What is wrong with an RFC 1035 label, joined as upstream does; nil when it is one.
    static func labelProblem(_ text: String) -> String? {
        var problems: [String] = []
        if text.utf8.count > 63 { problems.append("must be no more than 63 characters") }
        let isLabel =
            !text.utf8.contains(UInt8(ascii: ".")) && LabelSyntax.isSubdomain(text) && (text.utf8.first ?? 0) >= UInt8(ascii: "a")
        if !isLabel { problems.append(labelRule) }
        return problems.isEmpty ? nil : problems.joined(separator: ",")
    }

    /// What is wrong with a name that is only asked to be a part of a path.
    static func segmentProblems(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        return ["/", "%"].filter { text.contains($0) }.map { "may not contain '\($0)'" }
    }

    static func subdomainProblem(_ text: String) -> String? {
        var problems: [String] = []
        if text.utf8.count > 253 { problems.append("must be no more than 253 characters") }
        if !LabelSyntax.isSubdomain(text) { problems.append(subdomainRule) }
        return problems.isEmpty ? nil : problems.joined(separator: ",")
    }
}
