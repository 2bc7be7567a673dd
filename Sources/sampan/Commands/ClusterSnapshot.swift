import ArgumentParser
import FoundationEssentials
import KubeObject

/// `sampan cluster snapshot NAME`
struct ClusterSnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep what a virtual cluster has now, volumes included, in a file with the time in its name.",
        discussion: """
            The same as `sampan cluster export --volumes`: everything is of one moment, for which the cluster's pods are stopped (--no-volumes takes
            the objects only, and stops nothing). `sampan cluster import` makes a cluster of it, beside the one that goes on, or in its place when
            that is deleted. The file has the cluster's secrets and private keys.

            EXAMPLES
              sampan cluster snapshot demo                                      demo-20261129T101500Z.sampan
              sampan cluster snapshot demo --directory /backup --no-volumes
              sampan cluster import demo-20261129T101500Z.sampan --name demo-before
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The cluster.", valueName: "name"), completion: Completions.clusters)
    var name: String

    @Option(
        name: [.customShort("d"), .long], help: ArgumentHelp("Where the file is written.", valueName: "directory"),
        completion: .directory)
    var directory: String = "."

    @Flag(inversion: .prefixedNo, help: "The data in volumes, too. The cluster's pods are stopped while it is read.")
    var volumes = true

    func run() async throws {
        let file = Self.fileName(name, Date().timeIntervalSince1970)
        var arguments = [name, "--output", "\(directory)/\(file)", "--data-dir", instance.dataDirectory]
        if !team.team.isEmpty { arguments += ["--team", team.team] }
        if volumes { arguments.append("--volumes") }
        try await ClusterExport.asyncParse(arguments).run()
    }

    /// `demo-20261129T101500Z.sampan`
    static func fileName(_ name: String, _ seconds: Double) -> String {
        "\(name)-\(Timestamp.format(seconds).filter { $0 != "-" && $0 != ":" }).sampan"
    }
}
