import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeAPI

/// Tokens of issuers, as requests bring them.
@Suite struct IssuerTokenTests {
    private static func policy(_ more: JSON = [:]) -> ClusterPolicy {
        var policy = ClusterPolicy()
        var tree: JSON = [
            "jwt": [
                [
                    "issuer": ["url": .string(TestIssuer.url), "audiences": ["demo"]],
                    "claimMappings": [
                        "username": ["claim": "sub", "prefix": "oidc:"], "groups": ["claim": "groups", "prefix": "oidc:"],
                    ],
                ]
            ]
        ]
        for (key, value) in more.object ?? [:] { tree[key] = value }
        policy.authentication = .init(configuration: tree, isTrusted: false)
        return policy
    }

    private static func claims(_ more: [String: JSON?] = [:]) -> JSON {
        let now = Timestamp.seconds
        var claims: JSON = [
            "iss": .string(TestIssuer.url), "aud": "demo", "sub": "jane", "groups": ["dev"], "exp": .double(now + 600),
            "iat": .double(now),
        ]
        for (key, value) in more { claims[key] = value }
        return claims
    }

    private static let whoAmI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    private static let review: JSON = ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"]

    @Test func aTokenIsItsUsersInItsClusterOnly() async throws {
        let key = try TestKey("RS256")
        try await TestServer.run(policy: Self.policy(), documents: TestIssuer([key])) {
            (server: TestServer) async throws -> Void in
            let token = try key.token(Self.claims())
            let answer = try await server.send(.post, Self.whoAmI, body: Self.review, token: token)
            #expect(answer.status == 201, "\(answer.text)")
            #expect(
                answer.json[path: "status", "userInfo"] == [
                    "username": "oidc:jane", "groups": ["oidc:dev", "system:authenticated"],
                ])
            #expect(try await server.send(.post, Self.whoAmI, cluster: "other", body: Self.review, token: token).status == 401)
            let pods = try await server.send(.get, "/api/v1/namespaces/default/pods", token: token)
            #expect(pods.status == 403)
        }
    }

    @Test func whatIsNoTokenOfTheIssuerIsNothing() async throws {
        let (key, other) = (try TestKey(), try TestKey())
        try await TestServer.run(policy: Self.policy(), documents: TestIssuer([key])) {
            (server: TestServer) async throws -> Void in
            for (token, reason) in [
                (try other.token(Self.claims()), "failed to verify id token signature"),
                (try key.token(Self.claims(["aud": "x"])), "expected audience"),
                (try key.token(Self.claims(["exp": 5])), "token is expired"),
                (try key.token(Self.claims(["sub": nil])), "claim not present"),
                (try key.token(Self.claims(["iss": "https://else.example.com"])), ""),
                (try key.token(Self.claims(), header: ["alg": "none"]), "unsupported algorithm"),
                (try key.token(Self.claims(), header: ["crit": ["b64"]]), ""),
            ] {
                let answer = try await server.send(.post, Self.whoAmI, body: Self.review, token: token)
                #expect(answer.status == 401)
                #expect(answer.message == "Unauthorized")
                let reviewed = try await server.send(
                    .post, "/apis/authentication.k8s.io/v1/tokenreviews",
                    body: [
                        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": ["token": .string(token)],
                    ])
                let error = reviewed.json[path: "status", "error"]?.string ?? ""
                #expect(error.hasPrefix("[invalid bearer token"))
                #expect(error.contains(reason), "\(error)")
            }
        }
    }

    @Test func aReviewTellsOfPeopleToo() async throws {
        let key = try TestKey()
        try await TestServer.run(policy: Self.policy(), documents: TestIssuer([key])) {
            (server: TestServer) async throws -> Void in
            func review(_ audiences: [String]) async throws -> JSON? {
                let answer = try await server.send(
                    .post, "/apis/authentication.k8s.io/v1/tokenreviews",
                    body: [
                        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                        "spec": ["token": .string(try key.token(Self.claims())), "audiences": JSON(audiences)],
                    ])
                return answer.json["status"]
            }
            #expect(try await review([])?[path: "user", "username"] == "oidc:jane")
            #expect(try await review([ServiceAccountTokens.issuer])?["authenticated"] == true)
            #expect(try await review(["other"])?["authenticated"] == nil)
        }
    }

    @Test func anonymousMayBeRefusedOrKeptToPaths() async throws {
        let nobody = Self.policy(["anonymous": ["enabled": false]])
        try await TestServer.run(policy: nobody, documents: TestIssuer()) { (server: TestServer) async throws -> Void in
            #expect(try await server.send(.get, "/livez", anonymous: true).status == 401)
            #expect(try await server.send(.get, "/livez").status == 200)
        }
        let probes = Self.policy(["anonymous": ["enabled": true, "conditions": [["path": "/livez"]]]])
        try await TestServer.run(policy: probes, documents: TestIssuer()) { (server: TestServer) async throws -> Void in
            #expect(try await server.send(.get, "/livez", anonymous: true).status == 200)
            #expect(try await server.send(.get, "/version", anonymous: true).status == 401)
        }
    }
}
