import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster delete NAME`
struct ClusterDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete virtual clusters with everything in them.",
        discussion: "Also removes the contexts sampan-NAME that `kubeconfig --merge` made in your kubeconfig.", aliases: ["rm"])

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("Clusters to delete.", valueName: "name"))
    var names: [String]

    @Flag(inversion: .prefixedNo, help: "Return when the cluster and its pods are gone.")
    var wait = true

    @Flag(help: "Succeed when there is no such cluster.")
    var ignoreNotFound = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout: Int = 60

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            for name in names {
                let start = ContinuousClock.now
                do {
                    try await api.client.delete(api.path(name, team: team.team))
                } catch let error as StatusError where error.code == 404 && ignoreNotFound {
                    continue
                } catch {
                    throw PlatformAPI.notFoundHint(error, name)
                }
                if wait { try await waitUntilGone(name, api) }
                try forget(api.clusterName(name, team: team.team))
                Console.out("cluster \(name) deleted\(wait ? " in \((ContinuousClock.now - start).text)" : "")\n")
            }
        }
    }

    private func waitUntilGone(_ name: String, _ api: PlatformAPI) async throws {
        var progress = Progress("waiting until cluster \(name) is gone")
        while true {
            do {
                _ = try await api.client.get(api.path(name, team: team.team))
            } catch let error as StatusError where error.code == 404 {
                return
            }
            guard progress.elapsed < .seconds(timeout) else {
                throw CommandFailure(
                    "Cluster \(name) isn't gone after \(timeout) s.", hint: "It goes on being deleted; see `sampan cluster list`."
                )
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func forget(_ name: String) throws {
        let path = Kubeconfig.userPath
        let context = "sampan-\(name)"
        guard try Kubeconfig.load(path)?.contexts.contains(context) ?? false else { return }
        try Kubeconfig.update(path) { $0.remove(named: context) }
    }
}
