import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster clone NAME NEW`
struct ClusterClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Make another virtual cluster with everything that one has.",
        discussion: """
            The new one has keys of its own: no kubeconfig and no token of the old one is anything in it. Its pods start anew, and its volumes begin
            empty, or with --volumes as those of the old one are: its pods are stopped while they are copied.

            EXAMPLES
              sampan cluster clone demo demo-2
              sampan cluster clone demo demo-2 --volumes
              sampan cluster clone demo demo-2 --team blue
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The cluster.", valueName: "name"), completion: Completions.clusters)
    var name: String

    @Argument(help: ArgumentHelp("What the new one is to be called.", valueName: "new-name"))
    var new: String

    @Flag(help: "The data in volumes, too. The cluster's pods are stopped while it is copied.")
    var volumes = false

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            let start = ContinuousClock.now
            do {
                var request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterClone", "name": .string(new)]
                if volumes { request["withVolumes"] = true }
                let place = api.path(name, team: team.team, subresource: "clone")
                var answer = try await api.client.create(request, at: place)
                if volumes { Console.note("The pods of \(name) are stopped while its volumes are copied, and go on afterwards.") }
                while volumes, answer["state"]?.string != "Done" {
                    request["transfer"] = answer["transfer"]
                    answer = try await api.client.create(request, at: place)
                }
                output.print(
                    try await api.client.get(api.path(new, team: team.team)), name: new,
                    "cluster \(name) cloned to \(new) in \((ContinuousClock.now - start).text)")
                if volumes {
                    ArchiveNotes.without(answer, "isn't copied")
                } else {
                    ArchiveNotes.volumes(answer["volumes"]?.int ?? 0, "isn't copied", "Clone with --volumes to copy it.")
                }
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure(
                    "There is a cluster \(new) already.", hint: "Choose another name, or delete that one first.")
            } catch {
                throw PlatformAPI.notFoundHint(error, name)
            }
        }
    }
}
