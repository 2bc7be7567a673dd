import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster kubeconfig NAME`
struct ClusterKubeconfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubeconfig", abstract: "Print, write or merge the kubeconfig of a cluster's administrator.",
        discussion: """
            There is no credential in it: kubectl asks this program (`sampan token`) for one that is valid an hour, whenever it needs it. For other \
            machines and for programs that can't ask, --expires and --long-lived put a client certificate into it.

            EXAMPLES
              sampan cluster kubeconfig demo > demo.kubeconfig
              sampan cluster kubeconfig demo --output demo.kubeconfig
              sampan cluster kubeconfig demo --merge && kubectl --context sampan-demo get pods -A
              sampan cluster kubeconfig demo --team blue --merge         as context sampan-blue--demo
              sampan cluster kubeconfig demo --expires 8h > ci.kubeconfig
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: "The cluster.", completion: Completions.clusters)
    var name: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Write it to this file, with mode 0600.", valueName: "file"))
    var output: String?

    @Flag(help: "Add it to your kubeconfig as context sampan-NAME, keep what is there, and make it current.")
    var merge = false

    @Option(
        help: ArgumentHelp("The file to merge into. (default: the first of KUBECONFIG, or ~/.kube/config)", valueName: "file"))
    var kubeconfig: String?

    @OptionGroup var credential: CredentialOptions

    func validate() throws {
        if merge && output != nil { throw ValidationError("Give --output or --merge, not both.") }
        if kubeconfig != nil && !merge { throw ValidationError("--kubeconfig is the file that --merge changes; add --merge.") }
    }

    func run() async throws {
        let config: Kubeconfig
        do {
            config = try await PlatformAPI.with(instance) { api in
                if let seconds = try credential.seconds() {
                    return try await api.kubeconfig(name, team: team.team, seconds: seconds)
                }
                let user = try TokenCommand.user(of: name, team: team.team, instance)
                // Whether one may, and where the cluster is, is found out now.
                return try await api.kubeconfig(name, team: team.team, seconds: 600).proving(by: user)
            }
        } catch {
            throw PlatformAPI.notFoundHint(error, name)
        }
        if merge {
            let path = kubeconfig.map(Paths.absolute) ?? Kubeconfig.userPath
            try Kubeconfig.update(path) { $0.merge(config) }
            Console.out("context \(config.currentContext ?? "") is current in \(path)\n")
        } else if let output, output != "-" {
            try config.save(Paths.absolute(output))
            Console.out("kubeconfig of \(name) written to \(output)\n")
        } else {
            Console.out(config.text)
        }
    }
}
