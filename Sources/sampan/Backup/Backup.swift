import Foundation
import KubeClient
import KubeObject
import KubeStore

/// A backup of an instance's store: a directory with the database and with what is said of it, `backup.json`, which is written last.
struct Backup: Sendable, Equatable {
    static let prefix = "sampan-"
    static let database = "store.sqlite"
    static let manifest = "backup.json"
    /// Of one that isn't whole yet.
    static let unfinished = ".unfinished"

    var path: String
    /// When it was begun, in seconds since 1970.
    var time: Double
    var instance: String
    /// Where the store was.
    var dataDirectory: String
    var version: String
    var size: Int64
    var digest: String
    var clusters: Int
    var deletedClusters: Int
    var objects: Int
    /// Those of `keys.json` that it takes.
    var platformKeys: [String]

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var databasePath: String { "\(path)/\(Self.database)" }

    static func name(at time: Double) -> String {
        prefix + Timestamp.format(time).filter { $0 != "-" && $0 != ":" }
    }

    var tree: JSON {
        [
            "format": 1, "time": .string(Timestamp.format(time)), "instance": .string(instance),
            "dataDirectory": .string(dataDirectory), "version": .string(version), "size": .int(size), "sha256": .string(digest),
            "clusters": .int(Int64(clusters)), "deletedClusters": .int(Int64(deletedClusters)), "objects": .int(Int64(objects)),
            "platformKeys": JSON(platformKeys),
        ]
    }

    init(
        path: String, time: Double, instance: String, dataDirectory: String, version: String, size: Int64, digest: String,
        contents: StoreBackup.Contents
    ) {
        self.path = path
        self.time = time
        self.instance = instance
        self.dataDirectory = dataDirectory
        self.version = version
        self.size = size
        self.digest = digest
        clusters = contents.clusters
        deletedClusters = contents.retired
        objects = contents.objects
        platformKeys = contents.platformKeys
    }

    /// Reads what is said of the backup in a directory.
    ///
    /// - Throws: when it isn't one.
    init(at path: String) throws {
        guard let bytes = try AtomicFile.read("\(path)/\(Self.manifest)") else {
            throw CommandFailure("\(path) isn't a backup, or one that was never finished: it has no \(Self.manifest).")
        }
        let tree: JSON
        do { tree = try JSON(parsing: bytes) } catch {
            throw CommandFailure("\(path)/\(Self.manifest) can't be read: \(error)")
        }
        guard tree["format"]?.int == 1, let time = (tree["time"]?.string).flatMap({ Timestamp.parse($0) }),
            let digest = tree["sha256"]?.string, let size = tree["size"]?.int
        else { throw CommandFailure("\(path)/\(Self.manifest) isn't what this release knows of backups.") }
        func text(_ field: String) -> String { tree[field]?.string ?? "" }
        func count(_ field: String) -> Int { Int(clamping: tree[field]?.int ?? 0) }
        self.path = path
        self.time = time
        self.digest = digest
        self.size = size
        instance = text("instance")
        dataDirectory = text("dataDirectory")
        version = text("version")
        clusters = count("clusters")
        deletedClusters = count("deletedClusters")
        objects = count("objects")
        platformKeys = tree["platformKeys"]?.strings ?? []
    }

    /// Looks whether it is as it was made, and reads all of it.
    ///
    /// - Parameter keys: the file of the platform's keys; without it what is encrypted isn't opened.
    func verify(keys: String?) throws -> StoreBackup.Contents {
        guard try StoreBackup.digest(databasePath) == digest else {
            throw CommandFailure("\(databasePath) isn't what was written: its checksum is another.")
        }
        let contents = try StoreBackup.check(databasePath, keys: keys)
        guard contents.clusters == clusters, contents.objects == objects else {
            throw CommandFailure("\(databasePath) hasn't got what \(Self.manifest) says.")
        }
        return contents
    }
}

/// A directory with backups, perhaps of several instances.
struct BackupFolder: Sendable {
    let path: String

    /// The backups in it, the newest first, and what looks like one and can't be read.
    func backups() throws -> (good: [Backup], bad: [(name: String, why: String)]) {
        guard FileManager.default.fileExists(atPath: path) else { return ([], []) }
        var good: [Backup] = []
        var bad: [(name: String, why: String)] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        where name.hasPrefix(Backup.prefix) && !name.hasSuffix(Backup.unfinished) {
            do { good.append(try Backup(at: "\(path)/\(name)")) } catch { bad.append((name, "\(error)")) }
        }
        return (good.sorted { $0.time > $1.time }, bad)
    }

    /// What became of backups that were good when they were made, a sentence for each.
    ///
    /// - Parameters:
    ///   - last: the newest one's name, which has to be there; empty when there is none.
    ///   - reads: whether their checksums are compared, too, and not their sizes alone.
    func damage(last: String, reads: Bool) throws -> [String] {
        let (good, bad) = try backups()
        var found = bad.map(\.why)
        for backup in good {
            let facts = try? FileManager.default.attributesOfItem(atPath: backup.databasePath)
            if let size = facts?[.size] as? Int64 {
                if size != backup.size {
                    found.append("\(backup.databasePath) isn't what was written: it has \(size) bytes, and had \(backup.size).")
                } else if reads, try StoreBackup.digest(backup.databasePath) != backup.digest {
                    found.append("\(backup.databasePath) isn't what was written: its checksum is another.")
                }
            } else {
                found.append("\(backup.databasePath) can't be read, or isn't there.")
            }
        }
        // One that was moved elsewhere isn't wrong, unless nothing newer is here.
        if !last.isEmpty, good.isEmpty, bad.isEmpty { found.append("The last one, \(last), isn't in \(path).") }
        return found
    }

    /// Makes a backup of an instance's store, and checks it. It has its name when it is whole.
    ///
    /// - Parameter makesFolder: whether the directory is made when there is none: another disk that isn't there is no reason to fill this one.
    func make(of configuration: Configuration, now: Double, makesFolder: Bool) throws -> Backup {
        var isDirectory: ObjCBool = false
        if !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), makesFolder {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } else if !isDirectory.boolValue {
            throw CommandFailure("The directory for backups, \(path), isn't there.", hint: "Mount or make it.")
        }
        var target = "\(path)/\(Backup.name(at: now))"
        for number in 2... {
            guard FileManager.default.fileExists(atPath: target) else { break }
            target = "\(path)/\(Backup.name(at: now))-\(number)"
        }
        let unfinished = target + Backup.unfinished
        if FileManager.default.fileExists(atPath: unfinished) { try FileManager.default.removeItem(atPath: unfinished) }
        try FileManager.default.createDirectory(
            atPath: unfinished, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do {
            let store = configuration.dataDirectory + "/store"
            let database = "\(unfinished)/\(Backup.database)"
            try StoreBackup.copy(store: store, to: database)
            let contents = try StoreBackup.check(database, keys: store + "/keys.json")
            let size = try FileManager.default.attributesOfItem(atPath: database)[.size] as? Int64 ?? 0
            let backup = Backup(
                path: target, time: now, instance: configuration.instance, dataDirectory: configuration.dataDirectory,
                version: Version.sampan, size: size, digest: try StoreBackup.digest(database), contents: contents)
            try AtomicFile.write(backup.tree.encoded() + [10], to: "\(unfinished)/\(Backup.manifest)", mode: 0o600)
            try StoreBackup.synchronize(unfinished)
            guard rename(unfinished, target) == 0 else { throw SystemError("rename \(unfinished) to \(target)") }
            try StoreBackup.synchronize(path)
            return backup
        } catch {
            do { try FileManager.default.removeItem(atPath: unfinished) } catch let other {
                throw CommandFailure("\(error); and \(unfinished) couldn't be removed: \(other)")
            }
            throw error
        }
    }

    /// Removes what is more than is to be kept of an instance's backups, and what was never finished.
    ///
    /// - Returns: the names of those.
    @discardableResult
    func removeOld(of configuration: Configuration, keeping count: Int) throws -> [String] {
        let own = try backups().good.filter {
            $0.dataDirectory == configuration.dataDirectory && $0.instance == configuration.instance
        }
        var removed: [String] = []
        for backup in own.dropFirst(max(count, 1)) {
            // What is half removed isn't taken for a backup.
            let aside = backup.path + Backup.unfinished
            guard rename(backup.path, aside) == 0 else { throw SystemError("rename \(backup.path)") }
            try FileManager.default.removeItem(atPath: aside)
            removed.append(backup.name)
        }
        return removed
    }
}
