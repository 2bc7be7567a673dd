import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

private struct Tokens: TokenIssuer {
    func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken {
        IssuedToken(
            token: "\(claims.namespace)/\(claims.serviceAccount)", expirationTimestamp: "2030-01-01T00:00:00Z",
            audiences: claims.audiences.isEmpty ? ["api"] : claims.audiences)
    }
}

@Suite struct SubresourceTests {
    @Test func aPodIsBoundOnce() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("one"))
            let pods = try fixture.resource("pods")
            let binding: JSON = ["metadata": ["name": "one"], "target": ["kind": "Node", "name": "here"]]
            let result = try await fixture.registry.create(
                binding, pods, namespace: "default", name: "one", subresource: "binding", CreateOptions(), fixture.admin)
            #expect(result.code == 201)
            #expect(try fixture.get("pods", "one")[path: "spec", "nodeName"] == "here")
            let again = await refusal {
                try await fixture.registry.create(
                    binding, pods, namespace: "default", name: "one", subresource: "binding", CreateOptions(), fixture.admin)
            }
            #expect(again?.code == 409)
        }
    }

    @Test func anEvictionKeepsTheBudget() async throws {
        try await withRegistry { fixture in
            try await fixture.create(pod("one", extra: ", nodeName: here"))
            let pods = try fixture.resource("pods")
            try await fixture.registry.mutate(pods, namespace: "default", name: "one", subresource: "status", fixture.admin) {
                $0[path: "status", "phase"] = "Running"
            }
            try await fixture.create(
                "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: keep}, spec: {minAvailable: 1, selector: {matchLabels: {app: one}}}}"
            )
            let eviction: JSON = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "one"]]
            func evict() async throws -> WriteResult {
                try await fixture.registry.create(
                    eviction, pods, namespace: "default", name: "one", subresource: "eviction", CreateOptions(), fixture.admin)
            }
            #expect(await refusal { try await evict() }?.code == 429)
            try await fixture.registry.mutate(
                try fixture.resource("poddisruptionbudgets", "policy"), namespace: "default", name: "keep",
                subresource: "status", fixture.admin
            ) { $0[path: "status", "disruptionsAllowed"] = 1 }
            #expect(try await evict().code == 201)
            #expect(try fixture.get("pods", "one")["metadata"]?.has("deletionTimestamp") == true)
        }
    }

    @Test func tokensAreIssued() async throws {
        try await withRegistry { fixture in
            let accounts = try fixture.resource("serviceaccounts")
            func request(_ spec: JSON) async throws -> JSON {
                try await fixture.registry.create(
                    ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec], accounts,
                    namespace: "default", name: "default", subresource: "token", CreateOptions(), fixture.admin
                ).answer.tree
            }
            #expect(await refusal { try await request([:]) }?.code == 503)
            fixture.registry.attach(tokenIssuer: Tokens())
            let answer = try await request(["expirationSeconds": 7200])
            #expect(answer[path: "status", "token"] == "default/default")
            #expect(answer[path: "spec", "expirationSeconds"] == 7200)
            #expect(await refusal { try await request(["expirationSeconds": 5]) }?.code == 422)
        }
    }
}
