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
            (mode 0600). The data in volumes is in it with --volumes: the cluster's pods are stopped while it is read and go on afterwards, and who
            needs them meanwhile waits.

            Everything in it is of one moment. To move a cluster, have nobody change it: put it to sleep, export it with --volumes, import it at the
            other machine, and delete it here.

            EXAMPLES
              sampan cluster export demo
              sampan cluster export demo --volumes
              sampan cluster export demo --team blue --output /backup/demo.sampan
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The cluster.", valueName: "name"), completion: Completions.clusters)
    var name: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The file. (default: NAME.sampan)", valueName: "file"))
    var output: String?

    @Flag(help: "Write over a file that is there.")
    var force = false

    @Flag(help: "The data in volumes, too. The cluster's pods are stopped while it is read.")
    var volumes = false

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
                if volumes { return try await writeWithVolumes(to: path, api) }
                for attempt in 1... {
                    do {
                        let (size, volumes) = try await write(to: path, api)
                        Console.out(
                            "cluster \(name) exported to \(path) (\(size) bytes) in \((ContinuousClock.now - start).text)\n")
                        Console.note("The file has the cluster's secrets and private keys: keep it as you keep those.")
                        ArchiveNotes.volumes(volumes, "isn't in the file", "Export it with --volumes to have it in there.")
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

extension ClusterExport {
    private func writeWithVolumes(to path: String, _ api: PlatformAPI) async throws {
        let start = ContinuousClock.now
        let file = try NewFile(path)
        let place = api.path(name, team: team.team, subresource: "export")
        func ask(_ fields: JSONObject) async throws -> JSON {
            var request: JSON = .object(fields)
            request["apiVersion"] = "sampan.dev/v1alpha1"
            request["kind"] = "ClusterExport"
            return try await api.client.create(request, at: place)
        }
        var digest: ArchiveFormat.Digest? = ArchiveFormat.Digest()
        guard let transfer = try await ask(["withVolumes": true])["transfer"]?.string else {
            throw CommandFailure("The server can't export volumes.", hint: "Is it of an older version?")
        }
        Console.note("The cluster's pods are stopped while its volumes are read, and go on afterwards.")
        while true {
            let answer = try await ask(["transfer": .string(transfer)])
            let bytes = (answer["data"]?.string).flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? []
            let state = answer["state"]?.string
            if state == "Objects" {
                digest?.update(bytes)
            } else if state == "Volumes" || state == "Done", let whole = digest {
                // The volumes follow what is an archive by itself.
                try file.write(whole.end())
                digest = nil
            }
            try file.write(bytes)
            guard state == "Done" else { continue }
            try file.finish()
            Console.out(
                "cluster \(name) exported to \(path) (\(file.size) bytes, with its volumes) in \((ContinuousClock.now - start).text)\n"
            )
            Console.note("The file has the cluster's secrets and private keys: keep it as you keep those.")
            ArchiveNotes.without(answer, "isn't in the file")
            return
        }
    }
}

/// What is said about archives and copies alike.
enum ArchiveNotes {
    static func volumes(_ count: Int64, _ what: String, _ hint: String = "") {
        guard count > 0 else { return }
        Console.note(
            "The cluster has \(count) persistent volume claim\(count == 1 ? "" : "s"); the data in the volumes \(what): they begin empty.\(hint.isEmpty ? "" : " ")\(hint)"
        )
    }

    /// What didn't go along although volumes did.
    static func without(_ answer: JSON, _ what: String) {
        let count = answer["volumes"]?.int ?? 0
        if count > 0 {
            Console.note(
                "\(count) persistent volume claim\(count == 1 ? " isn't" : "s aren't") bound to a volume of this machine's own driver; what is in \(count == 1 ? "its volume" : "their volumes") \(what)."
            )
        }
        let left = answer["leftOut"]?.int ?? 0
        if left > 0 {
            Console.note(
                "\(left) device file\(left == 1 ? " or socket" : "s and sockets") in the volumes \(left == 1 ? "is" : "are") left out."
            )
        }
    }
}
