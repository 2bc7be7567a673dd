import KubeClient
import KubeObject

/// A team of the contest, as its one developer: known to the platform by a credential of its own, and allowed no more than such a member is.
struct ContestTeam: Sendable {
    let name: String
    let api: PlatformAPI

    /// Makes the team, and has its developer's credential.
    ///
    /// - Parameter clusters: how many it may have.
    static func make(_ name: String, clusters: Int, _ platform: PlatformAPI) async throws -> ContestTeam {
        let developer = "developer-of-\(name)"
        let member: JSON = ["user": .string(developer), "role": "developer"]
        let team: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": ["name": .string(name)],
            "spec": ["members": [member], "quota": ["clusters": .int(Int64(clusters)), "awakeClusters": .int(Int64(clusters))]],
        ]
        _ = try await platform.client.create(team, at: platform.teamPath())
        try await ContestLimit.within(60, "team \(name) getting ready") {
            while try await !isReady(platform.client.get(platform.teamPath(name))) {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let config = try await platform.kubeconfig(
            ["user": .string(developer)], at: platform.teamPath(name, subresource: "kubeconfig"))
        return ContestTeam(
            name: name, api: PlatformAPI(client: try KubeClient(ClientConfiguration(config)), standingTeam: name))
    }

    private static func isReady(_ team: JSON) -> Bool {
        (team["status"]?["conditions"]?.elements ?? []).contains {
            $0["type"]?.string == "Ready" && $0["status"]?.string == "True"
        }
    }

    /// Asks for a cluster, which is there when its kubeconfig is.
    func create(_ cluster: String) async throws {
        let object: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": .string(cluster)], "spec": [:],
        ]
        _ = try await api.client.create(object, at: api.path())
    }

    func sleep(_ cluster: String) async throws {
        let request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "SleepRequest"]
        _ = try await api.client.create(request, at: api.path(cluster, subresource: "sleep"))
    }

    /// How many of its pods run, as `sampan cluster explain` says.
    func runningPods(_ cluster: String) async throws -> Int64 {
        let request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterExplanation"]
        return try await api.client.create(request, at: api.path(cluster, subresource: "explain"))["runningPods"]?.int ?? 0
    }

    /// Deletes a cluster, and returns when it is gone.
    func delete(_ cluster: String) async throws {
        try await api.client.delete(api.path(cluster))
        do {
            while true {
                _ = try await api.client.get(api.path(cluster))
                try await Task.sleep(for: .milliseconds(50))
            }
        } catch let error as StatusError where error.code == 404 {}
    }
}

/// A limit for what would be waited for without end.
enum ContestLimit {
    static func within<Result: Sendable>(
        _ seconds: Int, _ what: String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask(operation: body)
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw CommandFailure("\(what) took more than \(seconds) s.")
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}
