import KubeClient
import KubeObject

/// The root cluster's API, as its administrator.
struct PlatformAPI {
    let client: KubeClient

    static let virtualClusters = GroupVersionResource(group: "sampan.dev", version: "v1alpha1", resource: "virtualclusters")

    /// Runs `body` against the instance in the options' data directory.
    static func with<Result>(_ options: InstanceOptions, _ body: (PlatformAPI) async throws -> Result) async throws -> Result {
        let configuration = try options.load()
        guard let kubeconfig = try Kubeconfig.load(configuration.adminKubeconfigPath) else {
            throw CommandFailure(
                "The instance in \(configuration.dataDirectory) has no \(configuration.adminKubeconfigPath).",
                hint: "Start it with `sampan up`.")
        }
        do {
            return try await KubeClient.with(ClientConfiguration(kubeconfig)) { try await body(PlatformAPI(client: $0)) }
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

    func path(_ name: String = "", subresource: String = "") -> ResourcePath {
        ResourcePath(Self.virtualClusters, name: name, subresource: subresource)
    }

    /// The kubeconfig of a cluster's administrator.
    func kubeconfig(_ name: String) async throws -> Kubeconfig {
        let answer = try await client.create(
            ["apiVersion": "sampan.dev/v1alpha1", "kind": "KubeconfigRequest"], at: path(name, subresource: "kubeconfig"))
        guard let text = answer["kubeconfig"]?.string ?? answer["status"]?["kubeconfig"]?.string else {
            throw CommandFailure("The server's answer has no kubeconfig.")
        }
        return try Kubeconfig(parsing: Array(text.utf8))
    }

    static func isReady(_ cluster: JSON) -> Bool {
        cluster["status"]?["phase"]?.string == "Ready"
    }

    static func notFoundHint(_ error: any Error, _ name: String) -> any Error {
        guard let status = error as? StatusError, status.code == 404 else { return error }
        return CommandFailure(
            "There is no cluster \(name).",
            hint: "See them with `sampan cluster list`, or make it with `sampan cluster create \(name)`.")
    }
}
