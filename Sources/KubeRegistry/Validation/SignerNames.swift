import KubeObject

/// The names of certificates' signers (`example.com/mine`), and of the trust bundles that belong to them.
enum SignerNames {
    /// What is wrong with the name of a `ClusterTrustBundle`, which starts with its signer's.
    static func bundle(_ name: String) -> [String] {
        guard let colon = name.firstIndex(of: ":") else { return Names.subdomain(name) }
        return Names.subdomain(String(name[name.index(after: colon)...].split(separator: ":").last ?? ""))
    }

    static func validate(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        if name.isEmpty { return errors.required(path) }
        let segments = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if segments.count != 2 {
            return errors.invalid(
                path, .string(name), "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        }
        if segments[0].isEmpty { return errors.invalid(path, .string(segments[0]), "domain segment must be non-empty") }
        errors.invalid(path, segments[0], Names.subdomain(segments[0]).map { "validating label \(quoted(segments[0])): \($0)" })
        if segments[0].split(separator: ".").count < 2 {
            errors.invalid(path, .string(segments[0]), "should be a domain with at least two segments separated by dots")
        }
        if segments[1].isEmpty {
            errors.invalid(path, .string(segments[1]), "path segment must be non-empty")
        }
        let problems = Names.subdomain(segments[1])
        errors.invalid(path, segments[1], problems)
        if name.utf8.count > 253 + 1 + 253 + 1 + 253 { errors.tooLong(path, 253 + 1 + 253 + 1 + 253) }
    }
}
