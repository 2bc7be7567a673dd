import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster clone NAME NEW`
struct ClusterClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Make another virtual cluster with everything that one has.",
        discussion: """
            The new one has keys of its own: no kubeconfig and no token of the old one is anything in it. Its pods start anew, and its volumes begin
            empty.

            EXAMPLES
              sampan cluster clone demo demo-2
              sampan cluster clone demo demo-2 --team blue
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The cluster.", valueName: "name"))
    var name: String

    @Argument(help: ArgumentHelp("What the new one is to be called.", valueName: "new-name"))
    var new: String

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            let start = ContinuousClock.now
            do {
                let answer = try await api.client.create(
                    ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterClone", "name": .string(new)],
                    at: api.path(name, team: team.team, subresource: "clone"))
                Console.out("cluster \(name) cloned to \(new) in \((ContinuousClock.now - start).text)\n")
                ArchiveNotes.volumes(answer["volumes"]?.int ?? 0, "isn't copied")
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure(
                    "There is a cluster \(new) already.", hint: "Choose another name, or delete that one first.")
            } catch {
                throw PlatformAPI.notFoundHint(error, name)
            }
        }
    }
}
