import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeAPI

/// What happens at a cluster's limits, and that others notice nothing.
@Suite struct ClusterLimitTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    private static func map(_ name: String, size: Int = 1) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)],
            "data": ["a": .string(String(repeating: "x", count: size))],
        ]
    }

    @Test func noMoreObjectsThanAllowed() async throws {
        var policy = ClusterPolicy()
        policy.limits.objects = 100
        try await TestServer.run(policy: policy) { server in
            var created = 0
            var last: TestServer.Result?
            for index in 0..<110 {
                last = try await server.send(.post, Self.maps, body: Self.map("m\(index)"))
                if last?.status == 201 { created += 1 }
            }
            let refused = try #require(last)
            #expect(created > 50 && created < 100)
            #expect(refused.status == 403 && refused.json["reason"] == "Forbidden")
            #expect(
                refused.message
                    == "configmaps \"m109\" is forbidden: the cluster's limit of 100 objects is reached; delete something, or have spec.limits.objects of its VirtualCluster raised"
            )
            // What is there can be changed and deleted, and then there is room again.
            #expect(try await server.send(.put, "\(Self.maps)/m0", body: Self.map("m0", size: 20)).status == 200)
            #expect(try await server.send(.delete, "\(Self.maps)/m0").status == 200)
            #expect(try await server.send(.post, Self.maps, body: Self.map("again")).status == 201)
            #expect(try await server.send(.post, Self.maps, cluster: "other", body: Self.map("m109")).status == 201)
        }
    }

    @Test func noMoreBytesThanAllowed() async throws {
        var policy = ClusterPolicy()
        policy.limits.bytes = 1 << 20
        try await TestServer.run(policy: policy) { server in
            #expect(try await server.send(.post, Self.maps, body: Self.map("first", size: 500_000)).status == 201)
            let refused = try await server.send(.post, Self.maps, body: Self.map("second", size: 600_000))
            #expect(refused.status == 403 && refused.message.contains("the cluster's limit of 1048576 bytes of objects"))
            #expect(try await server.send(.put, "\(Self.maps)/first", body: Self.map("first", size: 1_048_000)).status == 403)
            #expect(try await server.send(.put, "\(Self.maps)/first", body: Self.map("first", size: 10)).status == 200)
            #expect(try await server.send(.post, Self.maps, body: Self.map("second", size: 600_000)).status == 201)
        }
    }

    @Test func noLargerBodiesThanAllowed() async throws {
        var policy = ClusterPolicy()
        policy.limits.requestBytes = 2000
        try await TestServer.run(policy: policy) { server in
            #expect(try await server.send(.post, Self.maps, body: Self.map("a", size: 1000)).status == 201)
            let refused = try await server.send(.post, Self.maps, body: Self.map("b", size: 2000))
            #expect(refused.status == 413 && refused.message.contains("limit is 2000"))
            #expect(try await server.send(.post, Self.maps, cluster: "other", body: Self.map("b", size: 2000)).status == 201)
        }
    }

    @Test func noMoreWatchesThanAllowed() async throws {
        var policy = ClusterPolicy()
        policy.limits.watches = 1
        try await TestServer.run(policy: policy) { server in
            func watch(_ cluster: String) async -> APIResponse {
                await server.api.respond(
                    to: APIRequest(
                        method: .get, target: "/clusters/\(cluster)\(Self.maps)?watch=1",
                        headers: [.authorization: "Bearer " + server.adminToken(cluster)]))
            }
            var first: APIResponse? = await watch("demo")
            let second = await watch("demo")
            #expect(first?.status == 200 && second.status == 429 && second.headers[.retryAfter] == "1")
            #expect(await watch("other").status == 200)
            first = nil
            #expect(await watch("demo").status == 200)
        }
    }

    @Test func noMoreRequestsASecondThanAllowed() {
        var limits = ClusterPolicy.Limits()
        limits.requestsPerSecond = 10
        let now = ContinuousClock.now
        var bucket = TokenBucket(rate: 10, now: now)
        let burst = (0..<20).count { _ in bucket.take(rate: 10, now: now) }
        #expect(burst == 10 && !bucket.isFull(at: now))
        let later = (0..<20).count { _ in bucket.take(rate: 10, now: now.advanced(by: .milliseconds(350))) }
        #expect(later == 3)
        #expect(bucket.isFull(at: now.advanced(by: .seconds(2))))

        let limiter = RequestLimiter { now }
        func isLetIn(_ cluster: Int64) -> Bool {
            do throws(StatusError) {
                _ = try limiter.begin(cluster: cluster, isLongRunning: false, limits)
                return true
            } catch {
                #expect(error.code == 429 && error.retryAfterSeconds == 1 && error.message.contains("10 requests a second"))
                return false
            }
        }
        #expect((0..<12).count { _ in isLetIn(1) } == 10)
        #expect(isLetIn(2))
    }
}
