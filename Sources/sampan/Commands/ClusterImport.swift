import ArgumentParser
import Fleet
import Foundation
import KubeClient
import KubeObject

/// `sampan cluster import FILE`
struct ClusterImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a virtual cluster from a file that `sampan cluster export` wrote.",
        discussion: """
            Its objects have the uids and resourceVersions that they had, and its credentials go on being good: service accounts' tokens and client
            certificates. The server's address and certificate authority are this platform's: `sampan cluster kubeconfig` writes files that have
            them. Pods start anew. Volumes have what the file has of them (`sampan cluster export --volumes`), or begin empty.

            EXAMPLES
              sampan cluster import demo.sampan
              sampan cluster import demo.sampan --name demo-2 --team blue
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The file.", valueName: "file"), completion: .file())
    var file: String

    @Option(help: ArgumentHelp("What it is to be called. (default: as it was)", valueName: "name"))
    var name: String?

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    /// Of a request, before base64.
    private static let pieceSize = 2 << 20

    func run() async throws {
        let path = Paths.absolute(file)
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure("The file \(path) can't be read.", hint: "Is it there, and is it yours?")
        }
        defer { handle.closeFile() }
        let called: String
        do {
            called = try ArchiveFormat.name(in: [UInt8](try handle.read(upToCount: ArchiveFormat.headSize) ?? Data()))
            try handle.seek(toOffset: 0)
        } catch {
            throw CommandFailure("The file \(path) can't be imported: \(error).")
        }
        let name = name ?? called
        try await PlatformAPI.with(instance) { api in
            let start = ContinuousClock.now
            do {
                let answer = try await send(handle, name, api)
                defer { ArchiveNotes.volumes(answer["volumes"]?.int ?? 0, "isn't in the file") }
                output.print(
                    try await api.client.get(api.path(name, team: team.team)), name: name,
                    "cluster \(name) imported with \(answer["objects"]?.int ?? 0) objects in \((ContinuousClock.now - start).text)"
                )
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                throw CommandFailure(
                    "There is a cluster \(name) already.", hint: "Choose another name with --name, or delete that one first.")
            } catch let error as StatusError where PlatformAPI.missingTeam(error) != nil {
                throw PlatformAPI.notFoundHint(error, name)
            } catch let error as ClientError where error.reason == .unreachable {
                throw CommandFailure(
                    "The server went away while \(path) was imported: \(error.message)",
                    hint: "It has all of the cluster or nothing: see `sampan cluster list` when it is back, and import again.")
            }
        }
    }

    private func send(_ handle: FileHandle, _ name: String, _ api: PlatformAPI) async throws -> JSON {
        let place = api.path(name, team: team.team, subresource: "import")
        func request(_ fields: JSONObject) async throws -> JSON {
            var request: JSON = .object(fields)
            request["apiVersion"] = "sampan.dev/v1alpha1"
            request["kind"] = "ClusterImport"
            return try await api.client.create(request, at: place)
        }
        let end = try ArchiveFormat.end(of: handle)
        try handle.seek(toOffset: 0)
        var upload = ""
        var offset = 0
        func send(_ data: Data, _ fields: JSONObject) async throws {
            var fields = fields
            fields["upload"] = .string(upload)
            fields["offset"] = .int(Int64(offset))
            fields["data"] = .string(data.base64EncodedString())
            let answer = try await request(fields)
            offset += data.count
            guard let id = answer["upload"]?.string, answer["offset"]?.int == Int64(offset) else {
                throw CommandFailure("The server didn't take all of the file.", hint: "Try again.")
            }
            upload = id
        }
        while offset < end, let data = try handle.read(upToCount: min(Self.pieceSize, end - offset)), !data.isEmpty {
            try await send(data, [:])
        }
        var last: JSONObject = ["upload": .string(upload), "offset": .int(Int64(offset)), "finish": true]
        offset = 0
        while let data = try handle.read(upToCount: Self.pieceSize), !data.isEmpty {
            try await send(data, ["withVolumes": true])
            last["withVolumes"] = true
            last["offset"] = .int(Int64(offset))
        }
        return try await request(last)
    }
}

extension ArchiveFormat {
    /// Where the objects of an archive end, and its volumes begin if it has any.
    fileprivate static func end(of handle: FileHandle) throws -> Int {
        var position = start.count
        let size = Int(clamping: try handle.seekToEnd())
        while position < size {
            try handle.seek(toOffset: UInt64(position))
            guard let head = try handle.read(upToCount: frameHead), head.count == frameHead else { return size }
            let bytes = [UInt8](head)
            position += frameHead + bytes[1...].reduce(0) { $0 << 8 | Int($1) }
            if isEnd(bytes[0]) { return min(position, size) }
        }
        return size
    }
}
