import HTTPTypes
import KubeObject
import Testing

@testable import KubeAPI

struct PathTests {
    @Test func discoveryIsServedBothWaysAndCached() async throws {
        try await TestServer.run { server in
            #expect(try await server.send(.get, "/api").json["versions"] == ["v1"])
            #expect(try await server.send(.get, "/api/v1").json["kind"] == "APIResourceList")
            #expect(try await server.send(.get, "/apis").json["kind"] == "APIGroupList")
            #expect(try await server.send(.get, "/apis/apps").json["kind"] == "APIGroup")
            #expect(try await server.send(.get, "/apis/apps/v1").json["groupVersion"] == "apps/v1")
            let accept: HTTPFields = [
                .accept:
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
            ]
            let aggregated = try await server.send(.get, "/apis", headers: accept)
            #expect(aggregated.json["kind"] == "APIGroupDiscoveryList")
            #expect(aggregated.headers[.contentType]?.contains("as=APIGroupDiscoveryList") == true)
            var again = accept
            again[.ifNoneMatch] = aggregated.headers[.eTag]
            let cached = try await server.send(.get, "/apis", headers: again)
            #expect(cached.status == 304)
            #expect(cached.bytes.isEmpty)
        }
    }

    @Test func theServersMetricsAreThePlatformsAndAClusterSeesItsOwnLoad() async throws {
        try await TestServer.run { server in
            _ = try await server.createCluster(ClusterAddress.root)
            _ = try await server.send(.get, "/version")
            let all = try await server.send(.get, "/metrics", cluster: ClusterAddress.root).text
            #expect(all.contains(#"apiserver_request_total{verb="get",code="200"}"#))
            #expect(all.contains("\nsampan_clusters 3\n"))
            let allocated = all.split(separator: "\n").first { $0.hasPrefix("sampan_allocated_memory_bytes ") }
            #expect(allocated.flatMap { Int($0.drop { $0 != " " }.dropFirst()) } ?? 0 > 100_000)

            let own = try await server.send(.get, "/metrics").text
            #expect(own.contains("\napiserver_current_inflight_requests 1\n"))
            #expect(!own.contains("sampan_") && !own.contains("apiserver_request_total") && !own.contains("process_"))
        }
    }

    @Test func versionAndKeys() async throws {
        try await TestServer.run { server in
            #expect(try await server.send(.get, "/version").json["minor"] == "36")
            let keys = try await server.send(.get, "/openid/v1/jwks").json["keys"]?.elements ?? []
            #expect(keys.first?["crv"] == "P-256")
            let other = try await server.send(.get, "/openid/v1/jwks", cluster: "other").json["keys"]?.elements ?? []
            #expect(keys != other)
            #expect(
                try await server.send(.get, "/.well-known/openid-configuration").json["issuer"]?.string
                    == ServiceAccountTokens.issuer)
            #expect(try await server.send(.get, "/readyz?verbose").text.hasSuffix("readyz check passed\n"))
            #expect(try await server.send(.get, "/healthz/ping").text == "ok")
            #expect(try await server.send(.get, "/").json["paths"]?.strings.contains("/apis/apps/v1") == true)
        }
    }

    /// As the real servers of v1.20 and v1.36 answer.
    @Test func unknownPathsListTheKnownOnes() async throws {
        try await TestServer.run { server in
            for (method, path) in [
                (.get, "/foo"), (.post, "/foo/bar"), (.delete, "/healthz/none"), (.get, "/readyz/ping/more"),
                (.get, "/metrics/x"),
                (.get, "/openapi/v2/x"), (.put, "/ui"),
            ] as [(HTTPRequest.Method, String)] {
                let found = try await server.send(method, path)
                #expect(found.status == 404, "\(path)")
                let paths = found.json["paths"]?.strings ?? []
                #expect(paths.contains("/healthz/ping") && paths.contains("/apis/apiextensions.k8s.io/v1"), "\(path)")
                #expect(!paths.contains("/api/v1"), "\(path)")
            }
            for path in ["/", "/index.html"] {
                let found = try await server.send(.get, path)
                #expect(found.status == 200 && found.json["paths"]?.strings.contains("/api/v1") == true)
            }
            #expect(try await server.send(.get, "/version/x").message == "the server could not find the requested resource")
            #expect(try await server.send(.post, "/version").status == 405)
            #expect(try await server.send(.get, "/apis/none").text == "404 page not found\n")
            #expect(try await server.send(.get, "/foo", anonymous: true).status == 403)
        }
    }

    @Test(arguments: [
        ("GET", "/api/v1/pods", "list", "pods", "", "", ""),
        ("GET", "/api/v1/pods?watch=true", "watch", "pods", "", "", ""),
        ("GET", "/api/v1/namespaces/n/pods/p", "get", "pods", "", "n", "p"),
        ("GET", "/api/v1/namespaces/n/pods/p/log", "get", "pods", "log", "n", "p"),
        ("GET", "/api/v1/namespaces/n", "get", "namespaces", "", "n", "n"),
        ("PUT", "/api/v1/namespaces/n/finalize", "update", "namespaces", "finalize", "n", "n"),
        ("DELETE", "/api/v1/namespaces/n/pods", "deletecollection", "pods", "", "n", ""),
        ("GET", "/api/v1/watch/namespaces/n/pods/p", "watch", "pods", "", "n", "p"),
        ("GET", "/api/v1/namespaces/n/pods?fieldSelector=metadata.name%3Dx", "list", "pods", "", "n", "x"),
        ("POST", "/apis/apps/v1/namespaces/n/deployments", "create", "deployments", "", "n", ""),
        ("HEAD", "/api/v1/namespaces/n/pods/p", "get", "pods", "", "n", "p"),
        ("GET", "/api/v1/namespaces/n%2Fm/pods", "list", "pods", "", "n/m", ""),
    ]) func pathMeans(
        _ method: String, _ target: String, _ verb: String, _ resource: String, _ subresource: String, _ namespace: String,
        _ name: String
    ) throws {
        let request = APIRequest(method: try #require(HTTPRequest.Method(method)), target: target)
        let info = RequestInfo(method: request.method, path: request.rawPath, query: request.query)
        #expect(
            [info.verb, info.resource, info.subresource, info.namespace, info.name] == [
                verb, resource, subresource, namespace, name,
            ]
        )
    }
}
