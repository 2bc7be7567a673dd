import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import SwiftASN1
import Testing
import X509

@testable import KubeAPI

/// Who gets in, and what the others are told.
struct AccessTests {
    @Test func anonymousSeesHealthAndVersionOnly() async throws {
        try await TestServer.run { server in
            for path in ["/version", "/healthz", "/readyz", "/livez"] {
                #expect(try await server.send(.get, path, anonymous: true).status == 200)
            }
            let refused = try await server.send(.get, "/api/v1/namespaces", anonymous: true)
            #expect(refused.status == 403)
            #expect(
                refused.message
                    == #"namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope"#
            )
            let path = try await server.send(.get, "/metrics", anonymous: true)
            #expect(path.message == #"forbidden: User "system:anonymous" cannot get path "/metrics""#)
        }
    }

    @Test(arguments: ["/api/v1/pods", "/api/v1/namespaces/x/secrets/y", "/apis", "/nowhere", "/version", "/healthz"])
    func missingClusterLooksLikeOneWithoutRights(_ path: String) async throws {
        try await TestServer.run { server in
            let there = try await server.send(.get, path, cluster: "other", anonymous: true)
            let missing = try await server.send(.get, path, cluster: "missing", anonymous: true)
            #expect(there.status == missing.status)
            #expect(there.text == missing.text)
            let foreignThere = try await server.send(.get, path, cluster: "other", token: server.adminToken("demo"))
            let foreignMissing = try await server.send(.get, path, cluster: "missing", token: server.adminToken("demo"))
            #expect(foreignThere.status == 401)
            #expect(foreignThere.text == foreignMissing.text)
        }
    }

    private func connection(_ issued: IssuedCertificate) throws -> ClientConnection {
        var serializer = DER.Serializer()
        try serializer.serialize(issued.certificate)
        return ClientConnection(chain: [serializer.serializedBytes])
    }

    @Test func certificateOfTheClusterItselfIsTaken() async throws {
        try await TestServer.run { server in
            let demo = try #require(try await server.store.cluster("demo"))
            let authority = try ClusterIdentity(record: demo.record).clientAuthority
            let admin = try connection(authority.issueClientCertificate(user: "a", groups: ["system:masters"], lifetime: 60))
            #expect(try await server.send(.get, "/api/v1/secrets", anonymous: true, connection: admin).status == 200)
            #expect(
                try await server.send(.get, "/api/v1/secrets", cluster: "other", anonymous: true, connection: admin).status == 401
            )
            let nobody = try connection(authority.issueClientCertificate(user: "jane", groups: ["dev"], lifetime: 60))
            let refused = try await server.send(.get, "/api/v1/secrets", anonymous: true, connection: nobody)
            #expect(refused.status == 403)
            #expect(refused.message.contains(#"User "jane""#))
            let expired = try connection(
                authority.issueClientCertificate(
                    user: "a", groups: ["system:masters"], lifetime: 60, now: Date().addingTimeInterval(-3600)))
            let late = try await server.send(.get, "/api/v1/secrets", anonymous: true, connection: expired)
            #expect(late.status == 401)
            #expect(late.json["reason"] == "Unauthorized")
        }
    }

    @Test func serviceAccountTokenLivesAsLongAsItsAccount() async throws {
        try await TestServer.run { server in
            let accounts = "/api/v1/namespaces/default/serviceaccounts"
            let account = try await server.send(
                .post, accounts, body: ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "robot"]])
            #expect(account.status == 201)
            let issued = try await server.send(
                .post, accounts + "/robot/token",
                body: ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 3600]])
            #expect(issued.status == 201, "\(issued.text)")
            let token = try #require(issued.json["status"]?["token"]?.string)
            let refused = try await server.send(.get, "/api/v1/namespaces/default/pods", token: token)
            #expect(refused.status == 403)
            #expect(refused.message.contains("system:serviceaccount:default:robot"))
            #expect(try await server.send(.get, "/api/v1/pods", cluster: "other", token: token).status == 401)
            let who = try await server.send(
                .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"], token: token)
            #expect(who.json["status"]?["userInfo"]?["username"] == "system:serviceaccount:default:robot", "\(who.text)")
            #expect(try await server.send(.delete, accounts + "/robot").status == 200)
            #expect(try await server.send(.get, "/api/v1/namespaces/default/pods", token: token).status == 401)
        }
    }

    @Test(arguments: ["x", "a.b.c", "", "eyJhbGciOiJub25lIn0.e30."]) func badTokensAreUnauthorized(_ token: String) async throws {
        try await TestServer.run { server in
            let result = try await server.send(.get, "/api/v1/pods", token: token)
            // No token at all is anonymous.
            #expect(result.status == (token.isEmpty ? 403 : 401))
        }
    }

    @Test func impersonationNeedsARule() async throws {
        try await TestServer.run { server in
            let asJane = try await server.send(
                .get, "/api/v1/pods", headers: [.impersonateUser: "jane", .impersonateGroup: "dev"])
            #expect(asJane.status == 403)
            #expect(asJane.message.contains(#"User "jane" cannot list"#))
            let accounts = "/api/v1/namespaces/default/serviceaccounts/default/token"
            let issued = try await server.send(
                .post, accounts, body: ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": [:]])
            let token = try #require(issued.json["status"]?["token"]?.string)
            let refused = try await server.send(.get, "/version", token: token, headers: [.impersonateUser: "admin"])
            #expect(refused.status == 403)
            #expect(refused.message.contains("cannot impersonate resource"))
        }
    }

    @Test func podsFindTheirClusterBySourceAddress() async throws {
        try await TestServer.run { server in
            let demo = try #require(try await server.store.cluster("demo"))
            server.addressBook.add("10.244.0.9", PodAddress(cluster: demo.id, namespace: "default", name: "p", uid: "u"))
            let request = APIRequest(
                method: .get, target: "/api/v1/namespaces", authority: "kubernetes.default.svc",
                headers: [.authorization: "Bearer \(server.adminToken("demo"))"],
                connection: ClientConnection(address: "10.244.0.9"))
            #expect(await server.api.respond(to: request).status == 200)
            var elsewhere = request
            elsewhere.connection = ClientConnection(address: "10.244.0.10")
            #expect(await server.api.respond(to: elsewhere).status == 401)
            var named = elsewhere
            named.authority = "demo.sampan.test:6443"
            #expect(await server.api.respond(to: named).status == 200)
        }
    }

    @Test func tooManyRequestsAreTurnedAway() async throws {
        let limiter = RequestLimiter()
        var limits = ClusterPolicy.Limits()
        limits.requests = 1
        limits.watches = 1
        let first = try limiter.begin(cluster: 1, isLongRunning: false, limits)
        #expect(throws: StatusError.self) { try limiter.begin(cluster: 1, isLongRunning: false, limits) }
        _ = try limiter.begin(cluster: 1, isLongRunning: true, limits)
        _ = try limiter.begin(cluster: 2, isLongRunning: false, limits)
        withExtendedLifetime(first) {}
        do { _ = try limiter.begin(cluster: 3, isLongRunning: false, limits) }
        _ = try limiter.begin(cluster: 3, isLongRunning: false, limits)
    }
}
