import ArgumentParser
import FoundationEssentials
import KubeObject
import KubeStore

/// `sampan backup create|list|verify`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Make, list and check backups of all clusters.",
        discussion: """
            A backup is a copy of the store: all clusters with their objects, keys, teams and settings, of one moment, taken while the server runs or not.
            It has secrets and keys encrypted only: for a restore the file store/keys.json is needed too, and for kubeconfigs to stay good the directory
            pki. Keep those elsewhere. The data in volumes, images and the usage ledger aren't in it.

            The server makes backups by itself with `sampan up --backup-schedule`.
            """,
        subcommands: [BackupCreate.self, BackupList.self, BackupVerify.self])
}

/// Where backups are.
struct BackupOptions: ParsableArguments {
    @Option(
        name: .customLong("directory"),
        help: ArgumentHelp(
            "Where backups are. (default: what `sampan up --backup-directory` said, or backups in the data directory)",
            valueName: "directory"))
    var directory: String?

    func folder(_ configuration: Configuration) -> BackupFolder {
        BackupFolder(path: directory.map(Paths.absolute) ?? configuration.backupDirectory)
    }
}

/// `sampan backup create`
struct BackupCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a backup now, and check it.",
        discussion: """
            EXAMPLES
              sampan backup create
              sampan backup create --directory /mnt/other-disk
            """)

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var backups: BackupOptions

    func run() async throws {
        let configuration = try instance.load()
        let start = ContinuousClock.now
        let backup = try backups.folder(configuration).make(
            of: configuration, now: Date().timeIntervalSince1970,
            makesFolder: backups.directory == nil && configuration.backupPath == nil)
        Console.out(
            "\(backup.path): \(backup.clusters) clusters, \(backup.objects) objects, \(backup.size) bytes, in \((ContinuousClock.now - start).text)\n"
        )
        Console.note(
            "A restore needs \(configuration.dataDirectory)/store/keys.json as well, which isn't in it: keep that elsewhere.")
    }
}

/// `sampan backup list`
struct BackupList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the backups.", aliases: ["ls"])

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var backups: BackupOptions

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let folder = backups.folder(try instance.load())
        let (good, bad) = try folder.backups()
        let list: JSON = .array(
            good.map { backup in
                var tree = backup.tree
                tree["name"] = .string(backup.name)
                return tree
            })
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .name: Console.out(good.map { $0.name + "\n" }.joined())
        case .table, .wide:
            if good.isEmpty { Console.note("There are no backups in \(folder.path).") } else { Console.out(table(good)) }
        }
        for entry in bad { Console.note("\(entry.name): \(entry.why)") }
    }

    private func table(_ backups: [Backup]) -> String {
        let now = Date().timeIntervalSince1970
        var table = Table(columns: ["NAME", "AGE", "INSTANCE", "CLUSTERS", "OBJECTS", "BYTES"])
        for backup in backups {
            table.rows.append([
                backup.name, shortDuration(seconds: now - backup.time), backup.instance, "\(backup.clusters)",
                "\(backup.objects)",
                "\(backup.size)",
            ])
        }
        return table.description
    }
}

/// `sampan backup verify`
struct BackupVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read a backup as a restore would.",
        discussion: """
            Its checksum, the database's own checks, and every object of every cluster; with the keys also all that is encrypted. Without a name all
            backups are read. Exits with 1 when one isn't good.

            EXAMPLES
              sampan backup verify
              sampan backup verify sampan-20261128T030000Z
              sampan backup verify /mnt/other-disk/sampan-20261128T030000Z --keys keys.json
            """)

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var backups: BackupOptions

    @Argument(help: ArgumentHelp("A backup's name, or its path.", valueName: "backup"))
    var names: [String] = []

    @Option(help: ArgumentHelp("The file with the platform's keys. (default: the instance's)", valueName: "file"))
    var keys: String?

    func run() async throws {
        let configuration = try instance.load()
        let folder = backups.folder(configuration)
        var isGood = true
        var paths = names.map { $0.contains("/") ? Paths.absolute($0) : "\(folder.path)/\($0)" }
        if names.isEmpty {
            let found = try folder.backups()
            paths = found.good.map(\.path) + found.bad.map { "\(folder.path)/\($0.name)" }
        }
        let file = keys.map(Paths.absolute) ?? configuration.dataDirectory + "/store/keys.json"
        for path in paths {
            do {
                let contents = try Backup(at: path).verify(keys: file)
                Console.out("\(path): good, with \(contents.clusters) clusters and \(contents.objects) objects\n")
            } catch {
                isGood = false
                Console.out("\(path): not good: \(error)\n")
            }
        }
        if paths.isEmpty { Console.note("There are no backups in \(folder.path).") }
        if !isGood { throw ExitCode.failure }
    }
}
