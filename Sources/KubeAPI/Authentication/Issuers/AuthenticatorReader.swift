import KubeObject
import KubeRegistry
import NIOSSL

/// Reads one entry of `jwt`, and notes what is wrong with it, by upstream's rules and mostly in its words.
struct AuthenticatorReader {
    private let path: String
    var errors: [FieldError] = []
    private var usesEmail = false
    private var usesEmailVerified = false

    init(_ path: String) { self.path = path }

    /// Nil when something is missing without which there is no authenticator; ``errors`` says what.
    mutating func authenticator(_ tree: JSON, isTrusted: Bool) -> JWTAuthenticator? {
        let issuer = tree["issuer"] ?? [:]
        self.checkIssuer(issuer)
        let claimRules = self.claimRules(tree["claimValidationRules"])
        let mappings = tree["claimMappings"] ?? [:]
        let place = "\(self.path).claimMappings"
        let username = self.mapping(mappings["username"] ?? [:], "\(place).username", isRequired: true, isUsername: true)
        let groups = self.mapping(mappings["groups"] ?? [:], "\(place).groups", isRequired: false)
        let uid = self.uid(mappings["uid"] ?? [:], "\(place).uid")
        let extra = self.extra(mappings["extra"], "\(place).extra")
        if self.usesEmail, !self.usesEmailVerified {
            self.errors.append(
                .invalid(
                    "\(place).username.expression", mappings[path: "username", "expression"],
                    "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression"
                ))
        }
        let userRules = self.userRules(tree["userValidationRules"])
        guard let username else { return nil }
        return JWTAuthenticator(
            location: IssuerLocation(
                url: Self.text(issuer, "url"), discoveryURL: issuer["discoveryURL"]?.string.flatMap { $0.isEmpty ? nil : $0 },
                authorities: Array(Self.text(issuer, "certificateAuthority").utf8), isTrusted: isTrusted,
                findsServices: issuer["egressSelectorType"]?.string == "cluster"),
            audiences: issuer["audiences"]?.strings ?? [], username: username, groups: groups, uid: uid, extra: extra,
            claimRules: claimRules, userRules: userRules)
    }

    private static func text(_ tree: JSON, _ key: String) -> String { tree[key]?.string ?? "" }

    // MARK: The issuer

    private mutating func checkIssuer(_ issuer: JSON) {
        let place = "\(self.path).issuer"
        let url = Self.text(issuer, "url")
        if url.isEmpty {
            self.errors.append(.required("\(place).url"))
        } else {
            if AuthenticationConfiguration.ownIssuers.contains(url) {
                let own = AuthenticationConfiguration.ownIssuers.sorted().joined(separator: " ")
                self.errors.append(
                    .invalid("\(place).url", .string(url), "URL must not overlap with disallowed issuers: [\(own)]"))
            }
            self.checkURL(url, "\(place).url")
        }
        let discovery = Self.text(issuer, "discoveryURL")
        if !discovery.isEmpty {
            if Self.withoutSlashes(url) == Self.withoutSlashes(discovery) {
                self.errors.append(
                    .invalid("\(place).discoveryURL", .string(discovery), "discoveryURL must be different from URL"))
            }
            self.checkURL(discovery, "\(place).discoveryURL")
        }
        self.checkAudiences(issuer, place)
        let authority = Self.text(issuer, "certificateAuthority")
        if !authority.isEmpty {
            let count = try? NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)).count
            if count ?? 0 == 0 {
                self.errors.append(
                    .invalid(
                        "\(place).certificateAuthority", "<omitted>",
                        "data does not contain any valid RSA or ECDSA certificates"))
            }
        }
        let selector = Self.text(issuer, "egressSelectorType")
        if !["", "controlplane", "cluster"].contains(selector) {
            self.errors.append(
                .invalid(
                    "\(place).egressSelectorType", .string(selector), "egress selector must be either controlplane or cluster"))
        }
    }

    private static func withoutSlashes(_ url: String) -> Substring {
        var url = url[...]
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    private mutating func checkURL(_ url: String, _ place: String) {
        let before = self.errors.count
        func invalid(_ detail: String) { self.errors.append(.invalid(place, .string(url), detail)) }
        guard url.hasPrefix("https://") else { return invalid("URL scheme must be https") }
        let rest = url.dropFirst("https://".count)
        if rest.prefix(while: { $0 != "/" }).contains("@") { invalid("URL must not contain a username or password") }
        if url.contains("?") { invalid("URL must not contain a query") }
        if url.contains("#") { invalid("URL must not contain a fragment") }
        guard self.errors.count == before else { return }
        do throws(WebhookFailure) { _ = try WebhookRoute(url: url) } catch { invalid(error.message) }
    }

    private mutating func checkAudiences(_ issuer: JSON, _ place: String) {
        let audiences = issuer["audiences"]?.elements ?? []
        guard !audiences.isEmpty else {
            self.errors.append(.required("\(place).audiences", "at least one \(place).audiences is required"))
            return
        }
        var seen: Set<String> = []
        for (index, audience) in audiences.enumerated() {
            let text = audience.string ?? ""
            if text.isEmpty { self.errors.append(.required("\(place).audiences[\(index)]")) }
            if !seen.insert(text).inserted { self.errors.append(.duplicate("\(place).audiences[\(index)]", .string(text))) }
        }
        let policy = Self.text(issuer, "audienceMatchPolicy")
        if audiences.count > 1, policy != "MatchAny" {
            self.errors.append(
                .invalid(
                    "\(place).audienceMatchPolicy", .string(policy), "audienceMatchPolicy must be MatchAny for multiple audiences"
                ))
        } else if audiences.count == 1, !["", "MatchAny"].contains(policy) {
            self.errors.append(
                .invalid(
                    "\(place).audienceMatchPolicy", .string(policy),
                    "audienceMatchPolicy must be empty or MatchAny for single audience"))
        }
    }

    // MARK: Expressions

    private mutating func expression(
        _ source: String, _ variable: ClaimExpression.Variable, _ place: String, mustBeBool: Bool = false
    ) -> ClaimExpression? {
        do throws(TokenRefusal) {
            let expression = try ClaimExpression(source, variable, mustBeBool: mustBeBool)
            return expression
        } catch {
            self.errors.append(.invalid(place, .string(source), error.description))
            return nil
        }
    }

    private mutating func claimRules(_ tree: JSON?) -> [JWTAuthenticator.Rule] {
        var seenClaims: Set<String> = []
        var seenExpressions: Set<String> = []
        var rules: [JWTAuthenticator.Rule] = []
        for (index, rule) in (tree?.elements ?? []).enumerated() {
            let place = "\(self.path).claimValidationRules[\(index)]"
            let (claim, source) = (Self.text(rule, "claim"), Self.text(rule, "expression"))
            let (value, message) = (Self.text(rule, "requiredValue"), Self.text(rule, "message"))
            switch (claim.isEmpty, source.isEmpty) {
            case (false, false):
                self.errors.append(.invalid(place, .string(claim), "claim and expression can't both be set"))
            case (true, true): self.errors.append(.required(place, "claim or expression is required"))
            case (false, true):
                if !message.isEmpty {
                    self.errors.append(
                        .invalid("\(place).message", .string(message), "may not be specified when claim is set"))
                }
                if !seenClaims.insert(claim).inserted { self.errors.append(.duplicate("\(place).claim", .string(claim))) }
                rules.append(.claim(claim, requiredValue: value))
            case (true, false):
                if !value.isEmpty {
                    self.errors.append(
                        .invalid("\(place).requiredValue", .string(value), "may not be specified when expression is set"))
                }
                guard seenExpressions.insert(source).inserted else {
                    self.errors.append(.duplicate("\(place).expression", .string(source)))
                    continue
                }
                if let expression = self.expression(source, .claims, "\(place).expression", mustBeBool: true) {
                    self.usesEmailVerified = self.usesEmailVerified || expression.reads(claim: "email_verified")
                    rules.append(.expression(expression, message: message))
                }
            }
        }
        return rules
    }

    private mutating func userRules(_ tree: JSON?) -> [(expression: ClaimExpression, message: String)] {
        var seen: Set<String> = []
        var rules: [(expression: ClaimExpression, message: String)] = []
        for (index, rule) in (tree?.elements ?? []).enumerated() {
            let place = "\(self.path).userValidationRules[\(index)].expression"
            let source = Self.text(rule, "expression")
            if source.isEmpty {
                self.errors.append(.required(place))
            } else if !seen.insert(source).inserted {
                self.errors.append(.duplicate(place, .string(source)))
            } else if let expression = self.expression(source, .user, place, mustBeBool: true) {
                rules.append((expression, Self.text(rule, "message")))
            }
        }
        return rules
    }

    // MARK: Mappings

    private mutating func mapping(
        _ tree: JSON, _ place: String, isRequired: Bool, isUsername: Bool = false
    ) -> JWTAuthenticator.Mapping? {
        let (claim, source, prefix) = (Self.text(tree, "claim"), Self.text(tree, "expression"), tree["prefix"]?.string)
        switch (claim.isEmpty, source.isEmpty) {
        case (false, false): self.errors.append(.invalid(place, "", "claim and expression can't both be set"))
        case (true, true):
            if isRequired { self.errors.append(.required(place, "claim or expression is required")) }
        case (true, false):
            if let prefix {
                self.errors.append(
                    .invalid("\(place).prefix", .string(prefix), "may not be specified when expression is set"))
            }
            guard let expression = self.expression(source, .claims, "\(place).expression") else { return nil }
            if isUsername {
                self.usesEmail = expression.reads(claim: "email")
                self.usesEmailVerified = self.usesEmailVerified || expression.reads(claim: "email_verified")
            }
            return .expression(expression)
        case (false, true):
            guard let prefix else {
                self.errors.append(
                    .required(
                        "\(place).prefix",
                        "prefix is required when claim is set. It can be set to an empty string to disable prefixing"))
                return nil
            }
            return .claim(claim, prefix: prefix)
        }
        return nil
    }

    private mutating func uid(_ tree: JSON, _ place: String) -> JWTAuthenticator.Mapping? {
        let (claim, source) = (Self.text(tree, "claim"), Self.text(tree, "expression"))
        if !claim.isEmpty, !source.isEmpty {
            self.errors.append(.invalid(place, "", "claim and expression can't both be set"))
            return nil
        }
        if !claim.isEmpty { return .claim(claim, prefix: "") }
        return source.isEmpty ? nil : self.expression(source, .claims, "\(place).expression").map { .expression($0) }
    }

    private mutating func extra(_ tree: JSON?, _ place: String) -> [(key: String, value: ClaimExpression)] {
        var seen: Set<String> = []
        var found: [(key: String, value: ClaimExpression)] = []
        for (index, entry) in (tree?.elements ?? []).enumerated() {
            let place = "\(place)[\(index)]"
            let (key, source) = (Self.text(entry, "key"), Self.text(entry, "valueExpression"))
            self.checkKey(key, "\(place).key")
            guard seen.insert(key).inserted else {
                self.errors.append(.duplicate("\(place).key", .string(key)))
                continue
            }
            guard !source.isEmpty else {
                self.errors.append(.required("\(place).valueExpression"))
                continue
            }
            if let expression = self.expression(source, .claims, "\(place).valueExpression") {
                self.usesEmailVerified = self.usesEmailVerified || expression.reads(claim: "email_verified")
                found.append((key, expression))
            }
        }
        return found
    }

    private mutating func checkKey(_ key: String, _ place: String) {
        func invalid(_ detail: String) { self.errors.append(.invalid(place, .string(key), detail)) }
        if key.isEmpty { return self.errors.append(.required(place)) }
        let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return invalid("must be a domain-prefixed path (such as \"acme.io/foo\")")
        }
        if !LabelSyntax.isSubdomain(parts[0].lowercased()) { invalid("its domain is no RFC 1123 subdomain") }
        if key != key.lowercased() { invalid("must be lowercase") }
        for own in ["k8s.io", "kubernetes.io"] where parts[0] == own || parts[0].hasSuffix(".\(own)") {
            invalid("k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")
        }
    }
}
