import KubeObject

/// The rules for names and other identifiers, in upstream's words. Each function returns what is wrong, nothing for a good value.
enum Names {
    static let maximumLabelLength = 63
    static let maximumSubdomainLength = 253

    static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) bytes" }

    private static let subdomainFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
    static let subdomainMessage =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
        + "an alphanumeric character (e.g. 'example.com', regex used for validation is '\(subdomainFormat)')"
    static let labelMessage =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
        + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    static let label1035Message =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with "
        + "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    static let qualifiedMessage =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    static let labelValueMessage =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || isDigit(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerAlphanumeric(byte) || (0x41...0x5a).contains(byte) }

    static func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last) else {
            return false
        }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func subdomain(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumSubdomainLength { problems.append(tooLong(maximumSubdomainLength)) }
        let isFine = value.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
        if !isFine { problems.append(subdomainMessage) }
        return problems
    }

    static func label(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumLabelLength { problems.append(tooLong(maximumLabelLength)) }
        if !isLabel(value.utf8) {
            // Upstream says why a dot isn't enough.
            problems.append(subdomain(value).isEmpty && value.contains(".") ? "must not contain dots" : labelMessage)
        }
        return problems
    }

    static func label1035(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumLabelLength { problems.append(tooLong(maximumLabelLength)) }
        if !isLabel(value.utf8) || value.utf8.first.map(isDigit) ?? true { problems.append(label1035Message) }
        return problems
    }

    /// `example.com/MyName` or `MyName`: keys of labels and annotations, finalizers, resource names.
    static func qualified(_ value: String) -> [String] {
        let parts = value.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var problems: [String] = []
        let name: Substring.UTF8View
        switch parts.count {
        case 1: name = parts[0]
        case 2:
            name = parts[1]
            let prefix = String(Substring(parts[0]))
            if prefix.isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += subdomain(prefix).map { "prefix part \($0)" }
            }
        default:
            return [
                "a qualified name \(qualifiedMessage) with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else if name.count > maximumLabelLength {
            problems.append("name part \(tooLong(maximumLabelLength))")
        }
        if !isQualifiedPart(name) { problems.append("name part \(qualifiedMessage)") }
        return problems
    }

    private static func isQualifiedPart(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
    }

    static func labelValue(_ value: String) -> [String] {
        if value.isEmpty { return [] }
        var problems: [String] = []
        if value.utf8.count > maximumLabelLength { problems.append(tooLong(maximumLabelLength)) }
        if !isQualifiedPart(value.utf8) { problems.append(labelValueMessage) }
        return problems
    }

    /// What may be a segment of a path: the names of RBAC objects and custom resources.
    static func pathSegment(_ value: String) -> [String] {
        if value == "." || value == ".." { return ["may not be '\(value)'"] }
        return ["/", "%"].filter(value.contains).map { "may not contain '\($0)'" }
    }

    /// A key of a config map or a secret, which becomes a file's name.
    static func configKey(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumSubdomainLength { problems.append(tooLong(maximumSubdomainLength)) }
        let isFine =
            !value.isEmpty
            && value.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
        if !isFine {
            problems.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
                    + "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
        if value == "." {
            problems.append("must not be '.'")
        } else if value == ".." {
            problems.append("must not be '..'")
        } else if value.hasPrefix("..") {
            problems.append("must not start with '..'")
        }
        return problems
    }

    static func environmentVariable(_ value: String) -> [String] {
        let isFine = !value.isEmpty && value.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "=") }
        return isFine
            ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    }

    /// The name of a port (IANA service name).
    static func port(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > 15 { problems.append(tooLong(15)) }
        if !value.utf8.allSatisfy({ isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !value.utf8.contains(where: { (0x61...0x7a).contains($0) }) {
            problems.append("must contain at least one letter (a-z)")
        }
        if value.contains("--") { problems.append("must not contain consecutive hyphens") }
        if value.hasPrefix("-") || value.hasSuffix("-") { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    static func portNumber(_ value: Int64) -> [String] { (1...65535).contains(value) ? [] : [outside(1...65535)] }

    static func outside(_ bounds: ClosedRange<Int64>) -> String {
        "must be between \(bounds.lowerBound) and \(bounds.upperBound), inclusive"
    }

    /// `*.example.com`.
    static func wildcardSubdomain(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumSubdomainLength { problems.append(tooLong(maximumSubdomainLength)) }
        let isFine = value.hasPrefix("*.") && isSubdomain(value.dropFirst(2))
        if !isFine {
            problems.append(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower "
                    + "case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex "
                    + "used for validation is '\\*\\.\(subdomainFormat)')")
        }
        return problems
    }

    /// A subdomain that may have underscores, as DNS search paths do.
    static func subdomainWithUnderscores(_ value: String) -> [String] {
        var problems: [String] = []
        if value.utf8.count > maximumSubdomainLength { problems.append(tooLong(maximumSubdomainLength)) }
        let format = "[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?(\\.[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?)*"
        let isFine = isSubdomain(value.replacing("_", with: "a")[...])
        if !isFine {
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and "
                    + "end with an alphanumeric character or '_' (e.g. 'example.com', regex used for validation is '\(format)')")
        }
        return problems
    }

    private static func isSubdomain(_ value: Substring) -> Bool {
        value.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    /// `example.com/path`: the names of controllers.
    static func domainPrefixedPath(_ value: String) -> [String] {
        let parts = value.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return ["must be a domain-prefixed path (such as \"acme.io/foo\")"]
        }
        var problems = subdomain(parts[0])
        let allowed = "!$&'()*+,;=:@-._~%/"
        let isFine = parts[1].utf8.allSatisfy { byte in isAlphanumeric(byte) || allowed.utf8.contains(byte) }
        if !isFine {
            problems.append("Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")
        }
        return problems
    }

    /// A subdomain of at least three parts: the names of webhooks.
    static func fullyQualified(_ value: String) -> [String] {
        let problems = subdomain(value)
        if !problems.isEmpty { return [problems.joined(separator: ",")] }
        return value.split(separator: ".").count < 3 ? ["should be a domain with at least three segments separated by dots"] : []
    }

    static func httpHeader(_ value: String) -> [String] {
        let isFine = !value.isEmpty && value.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        return isFine
            ? []
            : [
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation "
                    + "is '[-A-Za-z0-9]+')"
            ]
    }
}
