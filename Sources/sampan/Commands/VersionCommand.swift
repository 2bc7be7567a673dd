import ArgumentParser
import KubeObject
import KubeSchema

/// `sampan version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the version of this program.")

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output: OutputFormat = .table

    func run() {
        let tree: JSON = ["sampan": .string(Version.sampan), "kubernetes": .string(KubernetesVersion.text)]
        switch output {
        case .json: Console.out(String(decoding: tree.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(tree))
        case .table, .wide, .name: Console.out(Version.text + "\n")
        }
    }
}
