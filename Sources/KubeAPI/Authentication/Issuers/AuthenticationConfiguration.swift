public import KubeObject
import KubeRegistry

/// Who is believed about who somebody is, beside a cluster's own authorities: issuers of JSON Web Tokens.
/// Source: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-k8s-io-v1-AuthenticationConfiguration
public struct AuthenticationConfiguration: Sendable {
    let authenticators: [JWTAuthenticator]
    let anonymous: AnonymousAccess

    /// Issuers that are the clusters' own, whose tokens are told from people's by that.
    static let ownIssuers = [ServiceAccountTokens.issuer, ServiceAccountTokens.legacyIssuer]
    static let maximumIssuers = 64
    /// In bytes, so that what is kept of it has bounds.
    public static let maximumSize = 256 << 10

    /// What is usable of a configuration: what was accepted once may be refused by now, and then that issuer isn't believed.
    ///
    /// - Parameter isTrusted: whether its issuers may be anywhere.
    init(_ tree: JSON, isTrusted: Bool) {
        var errors: [FieldError] = []
        self.authenticators = Self.authenticators(tree, "", isTrusted: isTrusted, &errors)
        self.anonymous = AnonymousAccess(tree["anonymous"])
    }

    /// What is wrong with a configuration, by upstream's rules.
    ///
    /// - Parameter path: of the configuration, before its fields' names; with a dot at its end if it isn't empty.
    public static func errors(in tree: JSON, path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if tree.encoded().count > self.maximumSize {
            return [.tooLong(path.isEmpty ? "" : String(path.dropLast()), maximum: self.maximumSize)]
        }
        _ = self.authenticators(tree, path, isTrusted: false, &errors)
        if let anonymous = tree["anonymous"], anonymous.object != nil, !(anonymous["enabled"]?.bool ?? false),
            let conditions = anonymous["conditions"], !conditions.elements.isEmpty
        {
            errors.append(
                .invalid("\(path)anonymous.conditions", conditions, "enabled should be set to true when conditions are defined"))
        }
        return errors
    }

    /// What is wrong with a configuration that comes as a file.
    public static func errors(inFile tree: JSON) -> [FieldError] {
        let versions = ["v1", "v1beta1", "v1alpha1"].map { "apiserver.config.k8s.io/\($0)" }
        guard versions.contains(tree["apiVersion"]?.string ?? "") else {
            return [.notSupported("apiVersion", tree["apiVersion"] ?? "", versions)]
        }
        guard tree["kind"]?.string == "AuthenticationConfiguration" else {
            return [.notSupported("kind", tree["kind"] ?? "", ["AuthenticationConfiguration"])]
        }
        return AuthenticationFields.unknown(in: tree) + self.errors(in: tree, path: "")
    }

    private static func authenticators(
        _ tree: JSON, _ path: String, isTrusted: Bool, _ errors: inout [FieldError]
    ) -> [JWTAuthenticator] {
        let entries = tree["jwt"]?.elements ?? []
        guard entries.count <= self.maximumIssuers else {
            errors.append(.tooMany("\(path)jwt", entries.count, maximum: self.maximumIssuers))
            return []
        }
        var seen: Set<String> = []
        var seenDiscovery: Set<String> = []
        var found: [JWTAuthenticator] = []
        for (index, entry) in entries.enumerated() {
            var reader = AuthenticatorReader("\(path)jwt[\(index)]")
            let authenticator = reader.authenticator(entry, isTrusted: isTrusted)
            let issuer = entry[path: "issuer", "url"]?.string ?? ""
            let discovery = entry[path: "issuer", "discoveryURL"]?.string ?? ""
            if !seen.insert(issuer).inserted {
                reader.errors.append(.duplicate("\(path)jwt[\(index)].issuer.url", .string(issuer)))
            } else if !discovery.isEmpty, !seenDiscovery.insert(discovery).inserted {
                reader.errors.append(.duplicate("\(path)jwt[\(index)].issuer.discoveryURL", .string(discovery)))
            } else if let authenticator, reader.errors.isEmpty {
                found.append(authenticator)
            }
            errors += reader.errors
        }
        return found
    }
}

/// The fields that a configuration's parts have, to tell of mistyped ones in a file.
enum AuthenticationFields {
    private static let fields: [String: [String: String]] = [
        "": ["apiVersion": "-", "kind": "-", "jwt": "jwt", "anonymous": "anonymous"],
        "anonymous": ["enabled": "-", "conditions": "condition"], "condition": ["path": "-"],
        "jwt": [
            "issuer": "issuer", "claimValidationRules": "claimRule", "claimMappings": "mappings",
            "userValidationRules": "userRule",
        ],
        "issuer": [
            "url": "-", "discoveryURL": "-", "certificateAuthority": "-", "audiences": "-", "audienceMatchPolicy": "-",
            "egressSelectorType": "-",
        ],
        "claimRule": ["claim": "-", "requiredValue": "-", "expression": "-", "message": "-"],
        "userRule": ["expression": "-", "message": "-"],
        "mappings": ["username": "mapping", "groups": "mapping", "uid": "uid", "extra": "extra"],
        "mapping": ["claim": "-", "prefix": "-", "expression": "-"], "uid": ["claim": "-", "expression": "-"],
        "extra": ["key": "-", "valueExpression": "-"],
    ]

    static func unknown(in tree: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        func visit(_ value: JSON, _ part: String, _ path: String) {
            for (index, element) in (value.array ?? []).enumerated() { visit(element, part, "\(path)[\(index)]") }
            for (key, child) in value.object ?? [:] {
                let place = path.isEmpty ? key : "\(path).\(key)"
                guard let next = self.fields[part]?[key] else {
                    errors.append(.forbidden(place, "unknown field"))
                    continue
                }
                if next != "-" { visit(child, next, place) }
            }
        }
        visit(tree, "", "")
        return errors
    }
}
