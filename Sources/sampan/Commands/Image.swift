import ArgumentParser
import FoundationEssentials
import KubeObject

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
        let store = try ImageStore(instance.load())
        let before = Set(try await store.list().map(\.identity))
        for file in files {
            guard file == "-" || FileManager.default.isReadableFile(atPath: file) else {
                throw CommandFailure(
                    "There is no readable file \(file).", hint: "Make an archive with `docker save` or scripts/build-image.")
            }
            try await store.load(file)
        }
        let new = try await store.list().filter { !before.contains($0.identity) }
        for image in new { Console.out("loaded \(image.name)\n") }
        if new.isEmpty { Console.out("nothing new: every image in the archive was there already\n") }
    }
}

/// `sampan image list`
struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the images that pods can use without pulling.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let images = try await ImageStore(instance.load()).list()
        let tree: JSON = .array(
            images.map { ["name": .string($0.name), "digest": .string($0.digest), "size": .string($0.size)] })
        switch output {
        case .json: Console.out(String(decoding: tree.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(tree))
        case .name: Console.out(images.map { $0.name + "\n" }.joined())
        case .table:
            var table = Table(columns: ["IMAGE", "DIGEST", "SIZE"])
            for image in images { table.rows.append([image.name, String(image.digest.prefix(19)), image.size]) }
            Console.out(table.description)
        }
    }
}
