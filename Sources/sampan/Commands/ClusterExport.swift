import ArgumentParser
import Fleet
import Foundation
import KubeClient
import KubeObject

/// `sampan cluster export NAME`
struct ClusterExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a virtual cluster into one file, for another Sampan to import.",
        discussion: """
            The file has every object, with its secrets, and the cluster's private keys: whoever has it has the cluster. It is for its owner only
            (mode 0600). The data in volumes isn't in it.

            Everything in it is of one moment. To move a cluster, have nobody change it: put it to sleep, export it, import it at the other
            machine, and delete it here.

            EXAMPLES
              sampan cluster export demo
              sampan cluster export demo --team blue --output /backup/demo.sampan
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The cluster.", valueName: "name"))
    var name: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file. (default: NAME.sampan)", valueName: "file"))
    var output: String?

    @Flag(help: "Write over a file that is there.")
    var force = false

    /// How often it is begun again when the cluster changes faster than it is read.
    private static let attempts = 3

    func run() async throws {
        let path = Paths.absolute(output ?? "\(name).sampan")
        guard force || !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("There is a file \(path) already.", hint: "Choose another with --output, or add --force.")
        }
        try await PlatformAPI.with(instance) { api in
            let start = ContinuousClock.now
            do {
                for attempt in 1... {
                    do {
                        let (size, volumes) = try await write(to: path, api)
                        Console.out(
                            "cluster \(name) exported to \(path) (\(size) bytes) in \((ContinuousClock.now - start).text)\n")
                        Console.note("The file has the cluster's secrets and private keys: keep it as you keep those.")
                        ArchiveNotes.volumes(volumes, "isn't in the file")
                        return
                    } catch let error as StatusError where error.code == 410 && attempt < Self.attempts {
                        Console.note("The cluster changes faster than it is read; beginning again.")
                    }
                }
            } catch {
                throw PlatformAPI.notFoundHint(error, name)
            }
        }
    }

    private func write(to path: String, _ api: PlatformAPI) async throws -> (size: Int, volumes: Int64) {
        let file = try NewFile(path)
        var digest = ArchiveFormat.Digest()
        var rest = ""
        var volumes: Int64 = 0
        repeat {
            let answer = try await api.client.create(
                ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterExport", "continue": .string(rest)],
                at: api.path(name, team: team.team, subresource: "export"))
            guard let data = (answer["data"]?.string).flatMap({ Data(base64Encoded: $0) }), !data.isEmpty else {
                throw CommandFailure("The server's answer has no piece of the archive.")
            }
            let bytes = [UInt8](data)
            digest.update(bytes)
            try file.write(bytes)
            volumes = answer["volumes"]?.int ?? 0
            rest = answer["continue"]?.string ?? ""
        } while !rest.isEmpty
        try file.write(digest.end())
        try file.finish()
        return (file.size, volumes)
    }
}

/// What is said about archives and copies alike.
enum ArchiveNotes {
    static func volumes(_ count: Int64, _ what: String) {
        guard count > 0 else { return }
        Console.note(
            "The cluster has \(count) persistent volume claim\(count == 1 ? "" : "s"); the data in the volumes \(what): they begin empty."
        )
    }
}
