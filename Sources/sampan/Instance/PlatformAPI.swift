import Fleet
import FoundationEssentials
import KubeClient
import KubeObject

/// The root cluster's API, as its administrator.
struct PlatformAPI {
    let client: KubeClient
    /// Whose clusters are meant when no team is named; empty for those that are nobody's.
    var standingTeam = ""

    static let teams = GroupVersionResource(group: "sampan.dev", version: "v1alpha1", resource: "teams")
    static let deletedClusters = GroupVersionResource(group: "sampan.dev", version: "v1alpha1", resource: "deletedclusters")
    static let virtualClusters = GroupVersionResource(group: "sampan.dev", version: "v1alpha1", resource: "virtualclusters")

    /// Runs `body` as the administrator of the instance in the options' data directory, or as whom the kubeconfig says that SAMPAN_KUBECONFIG names.
    ///
    /// - Parameter platform: a kubeconfig that goes before the variable's.
    static func with<Result>(
        _ options: InstanceOptions, platform: String? = nil, _ body: (PlatformAPI) async throws -> Result
    ) async throws -> Result {
        if let path = platform ?? ProcessInfo.processInfo.environment["SAMPAN_KUBECONFIG"], !path.isEmpty {
            let configuration = try ClientConfiguration(kubeconfig: Paths.absolute(path))
            do {
                return try await KubeClient.with(configuration, warn: Self.warn) { client in
                    let team = configuration.namespace == ClusterName.noTeam ? "" : configuration.namespace
                    return try await body(PlatformAPI(client: client, standingTeam: team))
                }
            } catch let error as ClientError where error.reason == .unreachable {
                throw CommandFailure(
                    "The platform of \(path) can't be reached: \(error.message)",
                    hint: "Ask its administrators, or unset SAMPAN_KUBECONFIG to use the instance on this machine.")
            }
        }
        let configuration = try options.load()
        guard let kubeconfig = try Kubeconfig.load(configuration.adminKubeconfigPath) else {
            throw CommandFailure(
                "The instance in \(configuration.dataDirectory) has no \(configuration.adminKubeconfigPath).",
                hint: "Start it with `sampan up`.")
        }
        do {
            return try await KubeClient.with(ClientConfiguration(kubeconfig), warn: Self.warn) {
                try await body(PlatformAPI(client: $0))
            }
        } catch let error as ClientError where error.reason == .unreachable {
            let hint =
                try InstanceLock.holder(path: configuration.lockPath) == nil
                ? "It isn't running: start it with `sampan up`."
                : "It runs, but doesn't answer: look into \(configuration.logPath)."
            throw CommandFailure("The server of \(configuration.dataDirectory) can't be reached: \(error.message)", hint: hint)
        } catch let error as SystemError where error.number == 13 {
            throw CommandFailure("\(error)", hint: "Run this as the user who ran `sampan up` (root, usually).")
        }
    }

    /// As kubectl tells of it.
    @Sendable private static func warn(_ text: String) { Console.note("Warning: \(text)") }

    /// Whether the server says that it serves. Somebody else's server on its port, which TLS tells, isn't it.
    func isReady() async throws -> Bool {
        do {
            _ = try await client.send("GET", "/readyz")
            return true
        } catch let error as ClientError where [.unreachable, .timeout, .malformed, .tls].contains(error.reason) {
            return false
        } catch is StatusError {
            return false
        }
    }

    /// The namespace of a team's objects; of nobody's, or of the standing team, when none is named.
    func namespace(_ team: String) -> String {
        let team = team.isEmpty ? standingTeam : team
        return team.isEmpty ? ClusterName.noTeam : team
    }

    func path(_ name: String = "", team: String = "", subresource: String = "") -> ResourcePath {
        ResourcePath(Self.virtualClusters, namespace: namespace(team), name: name, subresource: subresource)
    }

    func deletedPath(_ name: String = "", team: String = "", subresource: String = "") -> ResourcePath {
        ResourcePath(Self.deletedClusters, namespace: namespace(team), name: name, subresource: subresource)
    }

    /// By what a cluster goes.
    func clusterName(_ name: String, team: String) -> String { ClusterName.logical(namespace: namespace(team), name: name) }

    func teamPath(_ name: String = "", subresource: String = "") -> ResourcePath {
        ResourcePath(Self.teams, name: name, subresource: subresource)
    }

    /// The kubeconfig of a cluster's administrator.
    ///
    /// - Parameter seconds: how long its certificate is valid.
    func kubeconfig(_ name: String, team: String = "", seconds: Int64) async throws -> Kubeconfig {
        try await kubeconfig(
            ["expirationSeconds": .int(seconds)], at: path(name, team: team, subresource: "kubeconfig"))
    }

    /// What a `KubeconfigRequest` with these fields is answered.
    func kubeconfig(_ fields: JSONObject, at path: ResourcePath) async throws -> Kubeconfig {
        var request: JSON = .object(fields)
        request["apiVersion"] = "sampan.dev/v1alpha1"
        request["kind"] = "KubeconfigRequest"
        return try Self.kubeconfig(in: try await client.create(request, at: path))
    }

    /// The kubeconfig in a `KubeconfigRequest` that was answered.
    static func kubeconfig(in answer: JSON) throws -> Kubeconfig {
        guard let text = answer["kubeconfig"]?.string else { throw CommandFailure("The server's answer has no kubeconfig.") }
        return try Kubeconfig(parsing: Array(text.utf8))
    }

    static func isReady(_ cluster: JSON) -> Bool {
        // One that sleeps is as ready: its API answers.
        ["Ready", "Asleep"].contains(cluster["status"]?["phase"]?.string)
    }

    static func notFoundHint(_ error: any Error, _ name: String) -> any Error {
        guard let status = error as? StatusError, status.code == 404 else { return error }
        if let team = missingTeam(status) { return TeamCommand.notFoundHint(error, team) }
        return CommandFailure(
            "There is no cluster \(name).",
            hint: "See them with `sampan cluster list`, or make it with `sampan cluster create \(name)`.")
    }

    /// The team whose namespace isn't there, when that is what an error says.
    static func missingTeam(_ status: StatusError) -> String? {
        guard status.code == 404, status.details?["kind"]?.string == "namespaces" else { return nil }
        return status.details?["name"]?.string
    }
}
