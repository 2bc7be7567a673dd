import KubeObject
import KubeRegistry
import Testing

@testable import KubeAPI

@Suite struct JWTAuthenticatorTests {
    private static func authenticator(_ mappings: JSON, claims: JSON = [], users: JSON = []) throws -> JWTAuthenticator {
        let tree: JSON = [
            "jwt": [
                [
                    "issuer": ["url": "https://i.example.com", "audiences": ["a"]], "claimMappings": mappings,
                    "claimValidationRules": claims, "userValidationRules": users,
                ]
            ]
        ]
        #expect(AuthenticationConfiguration.errors(in: tree, path: "") == [])
        return try #require(AuthenticationConfiguration(tree, isTrusted: false).authenticators.first)
    }

    private static let byExpression: JSON = [
        "username": ["expression": "claims.sub + '@x'"], "groups": ["expression": "claims.?roles.orValue([])"],
        "uid": ["expression": "string(claims.id)"],
        "extra": [["key": "example.com/tenant", "valueExpression": "claims.?tenant.orValue('')"]],
    ]
    private static let byClaim: JSON = [
        "username": ["claim": "sub", "prefix": "oidc:"], "groups": ["claim": "groups", "prefix": "oidc:"],
        "uid": ["claim": "oid"],
    ]

    private static let users: [(JSON, JSON, UserInfo)] = [
        (
            byClaim, ["sub": "jane", "groups": ["dev", "ops"], "oid": "7", "jti": "x"],
            UserInfo(
                name: "oidc:jane", uid: "7", groups: ["oidc:dev", "oidc:ops"],
                extra: ["authentication.kubernetes.io/credential-id": ["JTI=x"]])
        ),
        (byClaim, ["sub": "jane", "groups": "dev", "oid": "7"], UserInfo(name: "oidc:jane", uid: "7", groups: ["oidc:dev"])),
        (byClaim, ["sub": "jane", "oid": "7"], UserInfo(name: "oidc:jane", uid: "7")),
        (
            byExpression, ["sub": "jane", "roles": ["a", "", "b"], "id": 5, "tenant": "t"],
            UserInfo(name: "jane@x", uid: "5", groups: ["a", "b"], extra: ["example.com/tenant": ["t"]])
        ),
        (byExpression, ["sub": "jane", "id": 5], UserInfo(name: "jane@x", uid: "5")),
    ]

    @Test(arguments: users)
    func claimsGiveAUser(_ mappings: JSON, _ claims: JSON, _ user: UserInfo) throws {
        #expect(try Self.authenticator(mappings).user(of: claims) == user)
    }

    @Test(
        arguments: [
            (["groups": ["a"], "oid": "7"], #"oidc: parse username claims "sub": claim not present"#),
            (["sub": 5, "oid": "7"], #"oidc: parse username claims "sub": it is no string"#),
            (
                ["sub": "a", "groups": [5], "oid": "7"],
                #"oidc: parse groups claim "groups": it is neither a string nor a list of them"#
            ),
            (["sub": "a"], #"oidc: parse uid claim "oid": claim not present"#),
        ] as [(JSON, String)])
    func claimsThatGiveNone(_ claims: JSON, _ refusal: String) throws {
        let authenticator = try Self.authenticator(Self.byClaim)
        #expect(throws: TokenRefusal(refusal)) { try authenticator.user(of: claims) }
    }

    @Test func expressionsThatGiveNone() throws {
        let authenticator = try Self.authenticator(Self.byExpression)
        let number = try Self.authenticator(["username": ["expression": "claims.sub"]])
        #expect(throws: TokenRefusal.self) { try authenticator.user(of: ["id": 5]) }
        #expect(
            throws: TokenRefusal(
                "oidc: error evaluating username claim expression: username claim expression must return a string")
        ) { try number.user(of: ["sub": 5]) }
        #expect(throws: TokenRefusal("oidc: the token gives its user no name")) { try number.user(of: ["sub": ""]) }
        let refusal = "oidc: error evaluating group claim expression: expression must return a string or a list of strings"
        #expect(throws: TokenRefusal(refusal)) { try authenticator.user(of: ["sub": "a", "id": 5, "roles": [1]]) }
    }

    @Test func anEmailCountsOnlyVerified() throws {
        let authenticator = try Self.authenticator(["username": ["claim": "email", "prefix": ""]])
        #expect(try authenticator.user(of: ["email": "a@b", "email_verified": true]).name == "a@b")
        #expect(try authenticator.user(of: ["email": "a@b"]).name == "a@b")
        #expect(throws: TokenRefusal("oidc: email not verified")) {
            try authenticator.user(of: ["email": "a@b", "email_verified": false])
        }
    }

    @Test func rulesRefuse() throws {
        let mappings: JSON = [
            "username": ["claim": "sub", "prefix": ""], "groups": ["claim": "groups", "prefix": ""],
        ]
        let authenticator = try Self.authenticator(
            mappings,
            claims: [
                ["claim": "hd", "requiredValue": "example.com"],
                ["expression": "claims.exp - claims.nbf <= 86400", "message": "too long a life"],
            ],
            users: [
                ["expression": "!user.username.startsWith('system:')", "message": "no system users"],
                ["expression": "user.groups.all(g, !g.startsWith('system:'))", "message": "no system groups"],
            ])
        let good: JSON = ["sub": "a", "hd": "example.com", "exp": 1000, "nbf": 0]
        #expect(try authenticator.user(of: good).name == "a")
        for (change, refusal) in [
            (["hd": nil], "oidc: required claim hd not present in ID token"),
            (["hd": "x"], "oidc: required claim hd value does not match. Got = x, want = example.com"),
            (
                ["exp": 100_000],
                "oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.nbf <= 86400' failed: too long a life"
            ),
            (
                ["sub": "system:admin"],
                "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('system:')' failed: no system users"
            ),
            (
                ["groups": ["system:masters"]],
                "oidc: error evaluating user info validation rule: validation expression 'user.groups.all(g, !g.startsWith('system:'))' failed: no system groups"
            ),
        ] as [([String: JSON?], String)] {
            var claims = good
            for (key, value) in change { claims[key] = value }
            #expect(throws: TokenRefusal(refusal)) { try authenticator.user(of: claims) }
        }
    }

    @Test func aTokenIsForSomebodyAndHasItsTime() throws {
        let authenticator = try Self.authenticator(["username": ["claim": "sub", "prefix": ""]])
        func refusal(_ claims: JSON, header: JSON = ["alg": "RS256"]) -> String? {
            do throws(TokenRefusal) {
                try authenticator.check(.init(header: header, claims: claims, content: [], signature: []), now: 1000)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(["aud": "a", "exp": 1001]) == nil)
        #expect(refusal(["aud": ["x", "a"], "exp": 1001, "nbf": 1300]) == nil)
        #expect(refusal(["aud": ["x"], "exp": 1001]) == #"oidc: expected audience "a" got ["x"]"#)
        #expect(refusal(["exp": 1001]) == #"oidc: expected audience "a" got []"#)
        #expect(refusal(["aud": "a", "exp": 1000]) == "oidc: token is expired (Token Expiry: 1970-01-01T00:16:40Z)")
        #expect(refusal(["aud": "a"]) == "oidc: token is expired (Token Expiry: 1970-01-01T00:00:00Z)")
        #expect(refusal(["aud": "a", "exp": 1001, "nbf": 1301])?.contains("before the nbf") == true)
        #expect(refusal(["aud": "a", "exp": 1001], header: ["alg": "none"])?.contains("unsupported algorithm") == true)
        #expect(refusal(["aud": "a", "exp": 1001], header: ["alg": "HS256"])?.contains("unsupported algorithm") == true)
    }
}
