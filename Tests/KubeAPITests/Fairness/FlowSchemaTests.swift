import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import Testing

@testable import KubeAPI

/// To which level requests go, by the schemas that every cluster has. Upstream's own order of them was read in its documentation.
@Suite struct FlowSchemaTests {
    @Test(
        arguments: [
            ("admin", ["system:masters"], "DELETE", "/api/v1/namespaces/x/pods/y", "exempt"),
            ("system:anonymous", ["system:unauthenticated"], "GET", "/readyz/ping", "exempt"),
            ("system:anonymous", ["system:unauthenticated"], "POST", "/readyz", "global-default"),
            ("system:anonymous", ["system:unauthenticated"], "GET", "/readyzed", "global-default"),
            ("jane", ["system:authenticated"], "GET", "/api/v1/pods", "global-default"),
            (
                "system:kube-scheduler", ["system:authenticated"], "PUT",
                "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", "leader-election"
            ),
            ("system:kube-scheduler", ["system:authenticated"], "GET", "/api/v1/pods", "workload-high"),
            ("system:node:a", ["system:nodes", "system:authenticated"], "PATCH", "/api/v1/nodes/a/status", "node-high"),
            ("system:node:a", ["system:nodes", "system:authenticated"], "GET", "/api/v1/pods", "system"),
            ("system:serviceaccount:kube-system:x", ["system:serviceaccounts"], "GET", "/api/v1/pods", "workload-high"),
            ("system:serviceaccount:kube-systems:x", ["system:serviceaccounts"], "GET", "/api/v1/pods", "workload-low"),
            ("nobody", [], "GET", "/api/v1/pods", "catch-all"),
        ] as [(String, [String], String, String, String)])
    func requestsFindTheirLevel(user: String, groups: [String], method: String, path: String, level: String) throws {
        let info = RequestInfo(
            method: try #require(HTTPRequest.Method(rawValue: method)), path: path, query: QueryItems(""))
        let flow = FlowConfigurations().ofNewClusters.classify(info, UserInfo(name: user, groups: groups))
        #expect(flow.level.name == level)
    }

    @Test func responsesNameTheSchemaAndLevelByUid() async throws {
        try await TestServer.run { server in
            let path = "/apis/flowcontrol.apiserver.k8s.io/v1"
            func uid(_ plural: String, _ name: String) async throws -> String? {
                try await server.send(.get, "\(path)/\(plural)/\(name)").json[path: "metadata", "uid"]?.string
            }
            let response = try await server.send(.get, "/api/v1/namespaces/default/configmaps/none")
            #expect(response.status == 404)
            #expect(response.headers[.flowSchemaUID] == (try await uid("flowschemas", "exempt")))
            #expect(response.headers[.priorityLevelUID] == (try await uid("prioritylevelconfigurations", "exempt")))
            // As upstream: whoever isn't allowed is told the flow, and whoever isn't known is told nothing.
            let forbidden = try await server.send(.get, "/api/v1/namespaces/default/secrets", anonymous: true)
            #expect(forbidden.status == 403)
            #expect(forbidden.headers[.flowSchemaUID] == (try await uid("flowschemas", "global-default")))
            let unknown = try await server.send(.get, "/api/v1/namespaces/default/secrets", token: "nobodys")
            #expect(unknown.status == 401 && unknown.headers[.flowSchemaUID] == nil)
            // A schema of the cluster's own counts from the next request on, and for this cluster only.
            let schema: JSON = [
                "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": ["name": "mine"],
                "spec": [
                    "priorityLevelConfiguration": ["name": "workload-low"], "matchingPrecedence": 1,
                    "rules": [
                        [
                            "subjects": [["kind": "User", "user": ["name": "*"]]],
                            "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["/version"]]],
                        ]
                    ],
                ],
            ]
            #expect(try await server.send(.post, "\(path)/flowschemas", body: schema).status == 422)
            var second = schema
            second[path: "spec", "matchingPrecedence"] = 2
            #expect(try await server.send(.post, "\(path)/flowschemas", body: second).status == 201)
            let version = try await server.send(.get, "/version", anonymous: true)
            #expect(version.headers[.flowSchemaUID] == (try await uid("flowschemas", "mine")))
            let elsewhere = try await server.send(.get, "/version", cluster: "other", anonymous: true)
            #expect(elsewhere.headers[.flowSchemaUID] == (try await uid("flowschemas", "global-default")))
            // Nor do headers tell which clusters exist.
            let nowhere = try await server.send(.get, "/version", cluster: "nowhere", anonymous: true)
            #expect(nowhere.headers[.flowSchemaUID] == elsewhere.headers[.flowSchemaUID])
        }
    }

    @Test func tooManyOfALevelAreRefusedInUpstreamsWords() async throws {
        var limits = ServerLimits()
        limits.seats = 1
        limits.sharedSeats = 1
        try await TestServer.run(limits: limits) { server in
            let flow = server.api.flows.ofNewClusters.classify(
                RequestInfo(method: .get, path: "/x", query: QueryItems("")),
                UserInfo(name: "admin", groups: ["system:masters"]))
            let cluster = try #require(try await server.store.cluster("demo"))
            let turn = try #require(await server.api.queue.turn(flow, cluster: cluster.id, concurrency: 600))
            await withTaskGroup { group in
                group.addTask { try? await server.send(.get, "/api/v1/namespaces/default/configmaps") }
                while server.api.queue.waiting == 0 { await Task.yield() }
                group.cancelAll()
                let refused = await group.next() ?? nil
                #expect(refused?.status == 429)
                #expect(refused?.text == "Too many requests, please try again later.\n")
                #expect(refused?.headers[.retryAfter] == "1" && refused?.headers[.flowSchemaUID]?.isEmpty == false)
            }
            turn.end()
            #expect(try await server.send(.get, "/api/v1/namespaces/default/configmaps").status == 200)
        }
    }
}
