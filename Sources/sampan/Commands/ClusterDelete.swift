import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster delete NAME`
struct ClusterDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete virtual clusters with everything in them.",
        discussion: """
            A deleted cluster is kept for a while (`sampan up --keep-deleted`, a day by default): `sampan cluster undelete` brings it back as it was, and
            `sampan cluster list --deleted` shows until when. With --now it is gone at once, and so is one that was deleted before.

            Also removes the contexts sampan-NAME that `kubeconfig --merge` made in your kubeconfig.

            EXAMPLES
              sampan cluster delete demo
              sampan cluster delete demo --now
              sampan cluster delete demo-1a2b3c4d --now     one that is deleted already
            """, aliases: ["rm"])

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("Clusters to delete.", valueName: "name"), completion: Completions.clusters)
    var names: [String]

    @Flag(inversion: .prefixedNo, help: "Return when the cluster and its pods are gone.")
    var wait = true

    @Flag(name: [.long, .customLong("purge")], help: "Keep nothing, also of those of this name that were deleted before.")
    var now = false

    @Flag(help: "Succeed when there is no such cluster.")
    var ignoreNotFound = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout: Int = 60

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            try await forEach(names, "weren't deleted") { name in
                let start = ContinuousClock.now
                let path = api.path(name, team: team.team)
                var isThere = true
                var answer: JSON = [:]
                do {
                    if now { _ = try await api.client.patch(["spec": ["keepDeletedFor": "0s"]], .merge, at: path) }
                    answer = try await api.client.delete(path)
                } catch let error as StatusError where error.code == 404 {
                    isThere = false
                    let isPurged = now ? try await purge(name, api) : false
                    guard isPurged || ignoreNotFound else { throw PlatformAPI.notFoundHint(error, name) }
                }
                if isThere, now { _ = try await purge(name, api) }
                guard isThere else { return }
                if wait { try await waitUntilGone(path, name, api) }
                try forget(api.clusterName(name, team: team.team))
                output.print(
                    answer, name: name, "cluster \(name) deleted\(wait ? " in \((ContinuousClock.now - start).text)" : "")")
                if wait, !now { try await tellHowLong(name, api) }
            }
        }
    }

    /// Ends those that were deleted before.
    ///
    /// - Returns: whether there were any.
    private func purge(_ name: String, _ api: PlatformAPI) async throws -> Bool {
        let found = try await DeletedClusters.all(called: name, team: team.team, api)
        for cluster in found {
            let own = cluster["metadata"]?["name"]?.string ?? ""
            let path = api.deletedPath(own, team: team.team)
            let answer = try await api.client.delete(path)
            if wait { try await waitUntilGone(path, own, api) }
            output.print(answer, name: own, "deleted cluster \(own) is gone for good")
        }
        return !found.isEmpty
    }

    private func tellHowLong(_ name: String, _ api: PlatformAPI) async throws {
        guard let newest = try await DeletedClusters.all(called: name, team: team.team, api).first,
            let end = newest["spec"]?["expirationTime"]?.string
        else { return }
        Console.note("Until \(end) it can be brought back: sampan cluster undelete \(name)\(team.argument)")
    }

    private func waitUntilGone(_ path: ResourcePath, _ name: String, _ api: PlatformAPI) async throws {
        var progress = Progress("waiting until cluster \(name) is gone")
        while true {
            var finalizers: [String] = []
            do {
                let object = try await api.client.get(path)
                finalizers = (object["metadata"]?["finalizers"]?.strings ?? []).filter { !$0.hasPrefix("sampan.dev/") }
            } catch let error as StatusError where error.code == 404 {
                return
            }
            guard progress.elapsed < .seconds(timeout) else {
                let keepers =
                    finalizers.isEmpty ? "" : " Finalizers of others keep its object: \(finalizers.joined(separator: ", "))."
                throw CommandFailure(
                    "Cluster \(name) isn't gone after \(timeout) s.\(keepers)",
                    hint: "It goes on being deleted; see `sampan cluster explain \(name)\(team.argument)`.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func forget(_ name: String) throws {
        let path = Kubeconfig.userPath
        let context = "sampan-\(name)"
        guard try Kubeconfig.load(path)?.contexts.contains(context) ?? false else { return }
        try Kubeconfig.update(path) { $0.remove(context: context) }
    }
}
