import ArgumentParser
import Foundation
import KubeClient
import KubeStore

/// `sampan restore BACKUP --data-dir NEW`
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a data directory of a backup.",
        discussion: """
            The directory must have no store. Afterwards `sampan up --data-dir NEW` starts it, with ports and a pod subnet of its own where the former
            instance still runs.

            It needs the platform's keys that the backup was made with, and takes the former platform's certificate authority along, so that kubeconfigs
            stay good: from the former data directory when that is on this machine, otherwise from --keys and --pki. The data in volumes isn't in a backup:
            copy the directory `volumes` yourself, before the start.

            EXAMPLES
              sampan restore /mnt/other-disk/sampan-20261128T030000Z --data-dir /srv/sampan
              sampan restore sampan-20261128T030000Z --keys keys.json --pki pki --data-dir /srv/sampan
            """)

    @Argument(help: ArgumentHelp("The backup's directory.", valueName: "backup"))
    var backup: String

    @Option(name: .long, help: ArgumentHelp("Where the new instance is to keep everything.", valueName: "directory"))
    var dataDir: String

    @Option(help: ArgumentHelp("The file with the platform's keys, store/keys.json.", valueName: "file"))
    var keys: String?

    @Option(help: ArgumentHelp("The directory with the platform's certificate authority, pki.", valueName: "directory"))
    var pki: String?

    func run() async throws {
        let backup = try Backup(at: Paths.absolute(backup))
        let target = Paths.absolute(dataDir)
        let keyFile = keys.map(Paths.absolute) ?? backup.dataDirectory + "/store/keys.json"
        guard FileManager.default.fileExists(atPath: keyFile) else {
            throw CommandFailure(
                "The platform's keys, with which the backup is encrypted, aren't in \(keyFile).",
                hint:
                    "Name the file keys.json of the former data directory with --keys; without it nothing of the backup can be read."
            )
        }
        let start = ContinuousClock.now
        _ = try backup.verify(keys: keyFile)
        let from = pki.map(Paths.absolute) ?? backup.dataDirectory + "/pki"
        let hasAuthority = FileManager.default.fileExists(atPath: from)
        guard hasAuthority || pki == nil else { throw CommandFailure("There is no directory \(from).") }
        if mkdir(target, 0o711) != 0, errno != EEXIST {
            throw CommandFailure("The directory \(target) can't be made.", hint: "Make it, or choose another with --data-dir.")
        }
        // The store comes last: without it, this can be done again.
        if hasAuthority { try copyAuthority(from: from, to: target + "/pki") }
        let contents = try StoreBackup.restore(backup.databasePath, keys: keyFile, to: target + "/store")
        Console.out(
            "\(target) has \(contents.clusters) clusters with \(contents.objects) objects, after \((ContinuousClock.now - start).text). Start it: sampan up --data-dir \(target)\n"
        )
        if !hasAuthority {
            Console.note(
                "The former platform's certificate authority wasn't found, so there will be another: kubeconfigs are to be made anew."
            )
        }
        Console.note(
            "The data in volumes isn't in a backup; copy \(backup.dataDirectory)/volumes to \(target)/volumes if there is any.")
    }

    private func copyAuthority(from: String, to: String) throws {
        guard mkdir(to, 0o700) == 0 || errno == EEXIST else { throw SystemError("make \(to)") }
        for name in try FileManager.default.contentsOfDirectory(atPath: from) {
            guard let bytes = try AtomicFile.read("\(from)/\(name)") else { continue }
            let mode = try FileManager.default.attributesOfItem(atPath: "\(from)/\(name)")[.posixPermissions] as? Int ?? 0o600
            try AtomicFile.write(bytes, to: "\(to)/\(name)", mode: mode_t(mode))
        }
    }
}
