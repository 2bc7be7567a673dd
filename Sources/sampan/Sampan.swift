import ArgumentParser

/// The command line's entrance: parses, picks the subcommand, and prints what went wrong with what to do next.
@main
struct Sampan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sampan",
        abstract: "Real Kubernetes clusters in milliseconds, on hardware that you already have.",
        discussion: """
            A cluster here is state, not processes: one server holds many of them, and their pods are ordinary containers. \
            Everything that this tool does goes through the platform's API, so kubectl can do it too.

            EXAMPLES
              sampan up                                 start in the background
              sampan cluster create demo                make a cluster (milliseconds)
              sampan cluster kubeconfig demo --merge    as kubectl context sampan-demo
              kubectl --context sampan-demo get nodes
              sampan team create blue --member alice=owner --clusters 5
              sampan image load web.tar                 make an image available to pods
              sampan status -o json                     what runs, for a script
              sampan backup create                      a copy of all clusters, to be restored elsewhere
              sampan doctor                             what is wrong, and what to do
              sampan down                               stop; only the data is left
              source <(sampan completion bash)          have the shell complete words; zsh and fish, too

            The data directory is /var/lib/sampan, or SAMPAN_DATA_DIR, or --data-dir. Two instances run side by side when \
            each has its own data directory, ports and pod subnet.
            """,
        version: Version.text,
        subcommands: [
            Up.self, Down.self, StatusCommand.self, ClusterCommand.self, TeamCommand.self, NetworkCommand.self, QuotaCommand.self,
            UsageCommand.self, DoctorCommand.self,
            TokenCommand.self,
            ImageCommand.self,
            BackupCommand.self, RestoreCommand.self,
            RotateKeys.self, RotateAuthority.self,
            VersionCommand.self, CompletionCommand.self,
            ServeCommand.self,
            CleanupCommand.self, UserNamespaceCommand.self, BenchCommand.self,
        ])
}
