import ArgumentParser
import KubeClient
import KubeObject
import KubeSchema

/// `sampan cluster rotate-authority NAME`
struct ClusterRotateAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-authority", abstract: "Give a cluster a new certificate authority and token key, without an outage.",
        discussion: """
            Certificates and service accounts' tokens are issued by the new ones at once. What the former ones have issued is believed \
            as long as --keep says; then, or with --retire, it isn't any more. Pods get new tokens by themselves within an hour, and so does \
            kubectl with `sampan token`; kubeconfigs with a certificate in them and secrets with a token must be made anew meanwhile.

            EXAMPLES
              sampan cluster rotate-authority demo
              sampan cluster rotate-authority demo --keep 168h
              sampan cluster rotate-authority demo --retire          end the trust in former ones now
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: "The cluster.", completion: Completions.clusters)
    var name: String

    @Option(help: ArgumentHelp("How long what was issued before is believed.", valueName: "duration"))
    var keep: String = "24h"

    @Flag(help: "Believe nothing that a former authority has issued, from now on.")
    var retire = false

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        guard let nanoseconds = GoDuration.nanoseconds(keep), nanoseconds >= 1_000_000_000 else {
            throw ValidationError("--keep \(keep): give a duration such as 24h.")
        }
        var request: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "AuthorityRotation", "action": retire ? "Retire" : "Rotate",
        ]
        if !retire { request["keepSeconds"] = .int(nanoseconds / 1_000_000_000) }
        try await PlatformAPI.with(instance) { api in
            let answer: JSON
            do {
                answer = try await api.client.create(request, at: api.path(name, team: team.team, subresource: "authority"))
            } catch {
                throw PlatformAPI.notFoundHint(error, name)
            }
            if retire {
                output.print(
                    answer, name: name, "nothing that a former authority of cluster \(name) has issued is believed any more")
                return
            }
            output.print(
                answer, name: name,
                """
                cluster \(name) has a new authority and a new token key: what is issued from now on is issued by them
                what was issued before is believed until \(answer["formerTrustedUntil"]?.string ?? ""); make it anew before
                end that earlier with `sampan cluster rotate-authority \(name) --retire`
                """)
        }
    }
}
