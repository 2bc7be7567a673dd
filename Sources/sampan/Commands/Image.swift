import ArgumentParser
import FoundationEssentials
import KubeObject
import KubeRuntime

/// `sampan image load|list`
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Load images from archives, and list those that pods can use.",
        subcommands: [ImageLoad.self, ImageList.self], aliases: ["images"])
}

/// `sampan image load FILE`
struct ImageLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load images from archives (docker save, or an OCI layout in a tar).",
        discussion: """
            Pods of every cluster can use the image by the name in the archive, with imagePullPolicy IfNotPresent or Never.

            EXAMPLES
              sampan image load web.tar
              docker save web:1 | sampan image load -
            """)

    @OptionGroup var instance: InstanceOptions

    @Argument(help: ArgumentHelp("Archives; - is standard input.", valueName: "file"))
    var files: [String]

    func run() async throws {
        for file in files {
            guard file == "-" || FileManager.default.isReadableFile(atPath: file) else {
                throw CommandFailure(
                    "There is no readable file \(file).", hint: "Make an archive with `docker save` or scripts/build-image.")
            }
        }
        let files = files.map { $0 == "-" ? "/dev/stdin" : Paths.absolute($0) }
        try await ImageStore.with(instance.load()) { store in
            for file in files {
                let names: [String]
                do {
                    names = try await store.load(archive: file)
                } catch {
                    throw CommandFailure(
                        "\(file) can't be loaded: \(error)", hint: "Is it an image archive, as `docker save` makes?")
                }
                for name in names { Console.out("loaded \(name)\n") }
            }
        }
    }
}

/// `sampan image list`
struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the images that pods can use without pulling.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let images = try await ImageStore.with(instance.load()) { try await $0.list() }
        switch output {
        case .json: Console.out(String(decoding: Self.tree(images).encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(Self.tree(images)))
        case .name: Console.out(images.flatMap(\.names).map { $0 + "\n" }.joined())
        case .table, .wide: Console.out(Self.table(images).description)
        }
    }

    private static func tree(_ images: [ImageStore.Image]) -> JSON {
        .array(
            images.map { image in
                [
                    "id": .string(image.id), "names": .array(image.names.map(JSON.string)),
                    "digests": .array(image.digests.map(JSON.string)), "bytes": .int(Int64(image.size)),
                ]
            })
    }

    static func table(_ images: [ImageStore.Image]) -> Table {
        var table = Table(columns: ["IMAGE", "ID", "SIZE"])
        for image in images {
            let id = image.id.hasPrefix("sha256:") ? String(image.id.dropFirst(7).prefix(12)) : image.id
            let tenths = (image.size * 10 + (1 << 19)) >> 20
            for name in image.names.isEmpty ? ["<none>"] : image.names {
                table.rows.append([name, id, "\(tenths / 10).\(tenths % 10) MiB"])
            }
        }
        return table
    }
}
