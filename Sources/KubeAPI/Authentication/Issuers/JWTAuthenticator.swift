import KubeObject
import KubeRegistry

/// One issuer that is believed, and who its tokens say somebody is: free of I/O.
/// Source: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-k8s-io-v1-JWTAuthenticator
struct JWTAuthenticator: Sendable {
    /// Where a name or names come from.
    enum Mapping: Sendable {
        case claim(String, prefix: String)
        case expression(ClaimExpression)
    }

    /// What a claim must be, or what must be true.
    enum Rule: Sendable {
        case claim(String, requiredValue: String)
        case expression(ClaimExpression, message: String)
    }

    var location: IssuerLocation
    var audiences: [String]
    var username: Mapping
    var groups: Mapping?
    var uid: Mapping?
    var extra: [(key: String, value: ClaimExpression)] = []
    var claimRules: [Rule] = []
    var userRules: [(expression: ClaimExpression, message: String)] = []

    // MARK: Whether a token is good

    /// So long before its time a token is taken, in seconds: clocks differ.
    private static let leeway = 300.0

    /// What is to be seen without the issuer's keys.
    ///
    /// - Parameter now: in seconds since 1970.
    func check(_ token: JSONWebToken.Parts, now: Double) throws(TokenRefusal) {
        let claims = token.claims
        let named = claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.strings ?? []
        guard !named.allSatisfy({ !self.audiences.contains($0) }) else {
            let wanted = self.audiences.count == 1 ? JSON.string(self.audiences[0]).text : Self.list(self.audiences.sorted())
            throw TokenRefusal(
                "oidc: expected audience \(self.audiences.count == 1 ? "" : "in ")\(wanted) got \(Self.list(named))")
        }
        let end = claims["exp"]?.double ?? 0
        guard end > now else {
            throw TokenRefusal("oidc: token is expired (Token Expiry: \(Timestamp.format(end)))")
        }
        if let start = claims["nbf"]?.double, start > now + Self.leeway {
            throw TokenRefusal(
                "oidc: current time \(Timestamp.format(now)) before the nbf (not before) time: \(Timestamp.format(start))")
        }
        let algorithm = token.header["alg"]?.string ?? ""
        guard JSONWebKey.algorithms.contains(algorithm) else {
            throw TokenRefusal(
                "oidc: id token signed with unsupported algorithm, expected \(Self.list(JSONWebKey.algorithms)) got \(JSON.string(algorithm).text)"
            )
        }
    }

    private static func list(_ texts: [String]) -> String {
        "[\(texts.map { JSON.string($0).text }.joined(separator: " "))]"
    }

    // MARK: Whose it is

    /// The user that the claims of a token with a good signature stand for.
    func user(of claims: JSON) throws(TokenRefusal) -> UserInfo {
        var user = UserInfo(name: try self.name(claims))
        user.groups = try self.groups(claims)
        user.uid = try self.uid(claims)
        for (key, expression) in self.extra {
            let values = try Self.evaluating("extra claim expression: \(expression.source)") { () throws(TokenRefusal) in
                try expression.texts(claims)
            }
            if !values.isEmpty { user.extra[key] = values }
        }
        if let id = claims["jti"]?.string, !id.isEmpty {
            user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"]
        }
        for rule in self.claimRules { try Self.check(rule, claims) }
        if !self.userRules.isEmpty {
            let tree: JSON = [
                "username": .string(user.name), "uid": .string(user.uid), "groups": JSON(user.groups),
                "extra": .object(JSONObject(user.extra.map { ($0.key, JSON($0.value)) })),
            ]
            for (expression, message) in self.userRules {
                try Self.evaluating("user info validation rule") { () throws(TokenRefusal) in
                    try Self.require(expression, message, tree)
                }
            }
        }
        return user
    }

    private func name(_ claims: JSON) throws(TokenRefusal) -> String {
        let name: String
        switch self.username {
        case .claim(let claim, let prefix):
            guard let value = claims[claim] else {
                throw TokenRefusal("oidc: parse username claims \(JSON.string(claim).text): claim not present")
            }
            guard let text = value.string else {
                throw TokenRefusal("oidc: parse username claims \(JSON.string(claim).text): it is no string")
            }
            if claim == "email", let verified = claims["email_verified"] {
                guard let verified = verified.bool else {
                    throw TokenRefusal("oidc: parse 'email_verified' claim: it is no boolean")
                }
                guard verified else { throw TokenRefusal("oidc: email not verified") }
            }
            name = prefix + text
        case .expression(let expression):
            let text = try Self.evaluating("username claim expression") { () throws(TokenRefusal) in try expression.text(claims) }
            guard let text else {
                throw TokenRefusal(
                    "oidc: error evaluating username claim expression: username claim expression must return a string")
            }
            name = text
        }
        guard !name.isEmpty else { throw TokenRefusal("oidc: the token gives its user no name") }
        return name
    }

    private func groups(_ claims: JSON) throws(TokenRefusal) -> [String] {
        switch self.groups {
        case nil: return []
        case .claim(let claim, let prefix):
            switch claims[claim] {
            case nil: return []
            case .string(let group)?: return [prefix + group]
            case .array(let elements)? where elements.allSatisfy { $0.string != nil }:
                return elements.compactMap { $0.string.map { prefix + $0 } }
            default:
                throw TokenRefusal(
                    "oidc: parse groups claim \(JSON.string(claim).text): it is neither a string nor a list of them")
            }
        case .expression(let expression):
            return try Self.evaluating("group claim expression") { () throws(TokenRefusal) in try expression.texts(claims) }
        }
    }

    private func uid(_ claims: JSON) throws(TokenRefusal) -> String {
        switch self.uid {
        case nil: return ""
        case .claim(let claim, _):
            guard let text = claims[claim]?.string else {
                throw TokenRefusal("oidc: parse uid claim \(JSON.string(claim).text): claim not present")
            }
            return text
        case .expression(let expression):
            let text = try Self.evaluating("uid claim expression") { () throws(TokenRefusal) in try expression.text(claims) }
            guard let text else {
                throw TokenRefusal("oidc: error evaluating uid claim expression: uid claim expression must return a string")
            }
            return text
        }
    }

    private static func check(_ rule: Rule, _ claims: JSON) throws(TokenRefusal) {
        switch rule {
        case .claim(let claim, let wanted):
            guard let value = claims[claim] else {
                throw TokenRefusal("oidc: required claim \(claim) not present in ID token")
            }
            guard let text = value.string else { throw TokenRefusal("oidc: parse claim \(claim): it is no string") }
            guard text == wanted else {
                throw TokenRefusal("oidc: required claim \(claim) value does not match. Got = \(text), want = \(wanted)")
            }
        case .expression(let expression, let message):
            try self.evaluating("claim validation expression") { () throws(TokenRefusal) in
                try self.require(expression, message, claims)
            }
        }
    }

    private static func require(_ expression: ClaimExpression, _ message: String, _ tree: JSON) throws(TokenRefusal) {
        guard try expression.isTrue(tree) else {
            throw TokenRefusal("validation expression '\(expression.source)' failed: \(message)")
        }
    }

    private static func evaluating<Value>(
        _ what: String, _ body: () throws(TokenRefusal) -> Value
    ) throws(TokenRefusal) -> Value {
        do throws(TokenRefusal) { return try body() } catch { throw TokenRefusal("oidc: error evaluating \(what): \(error)") }
    }
}
