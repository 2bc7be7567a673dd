import FoundationEssentials
import Glibc
import KubeClient
import KubeObject
import KubeStore

/// Something that is wrong with an instance's files and can be put right without asking: once more does no harm, and nothing that anybody needs
/// is lost.
struct Repair {
    var finding: Finding
    /// Puts it right, and says what was done.
    var mend: () throws -> String
}

/// Looks for what can be mended in a data directory.
struct Repairs {
    let configuration: Configuration
    /// Seconds since 1970.
    let now: Double
    let isRunning: Bool
    /// Whether the whole of the store's file is read.
    let reads: Bool

    /// From which age on something unfinished is nobody's any more, in seconds.
    private static let abandoned: Double = 3600

    private var directory: String { configuration.dataDirectory }

    func all() throws -> (findings: [Finding], repairs: [Repair]) {
        var repairs = try modes() + unfinished()
        var findings = try interruptedImports()
        if let known = try knownClusters() {
            let (inspection, volumes) = known
            repairs += try leakedVolumes(volumes, living: inspection.clusters)
            if inspection.isLoose { repairs += loose(inspection) }
            findings.append(Self.finding(inspection))
        }
        if repairs.isEmpty, !findings.contains(where: { $0.state != .ok }) {
            findings.append(Finding(state: .ok, about: "files", message: "Nothing is left over, and modes are right."))
        }
        return (findings, repairs)
    }

    private static func finding(_ inspection: StoreInspection) -> Finding {
        let size = inspection.size >> 20
        guard let complaints = inspection.complaints, !complaints.isEmpty else {
            let how = inspection.complaints == nil ? "" : "; all of its file was read, and is sound"
            return Finding(
                state: .ok, about: "store",
                message:
                    "It has \(inspection.clusters.count) clusters in \(size) MiB, of which \(inspection.free >> 20) are free\(how)."
            )
        }
        return Finding(
            state: .failure, about: "store", message: "Its file is damaged: \(complaints.joined(separator: "; "))",
            hint: "Stop the server, and restore a backup: sampan restore BACKUP --data-dir NEW")
    }

    // MARK: Modes

    /// What has keys or tenants' data is for its owner only.
    private func modes() throws -> [Repair] {
        var paths = ["store", "volumes", "store/keys.json", "store/store.sqlite", "store/store.sqlite-wal", "admin.kubeconfig"]
        if configuration.backupPath == nil { paths.append("backups") }
        return try paths.compactMap { name in
            let path = "\(directory)/\(name)"
            guard let attributes = try attributes(path) else { return nil }
            let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
            // Of what isn't ours to judge, such as a link to another disk, nothing is said.
            guard isDirectory || attributes[.type] as? FileAttributeType == .typeRegular,
                (attributes[.posixPermissions] as? Int ?? 0) & 0o077 != 0
            else { return nil }
            let wanted: mode_t = isDirectory ? 0o700 : 0o600
            return Repair(
                finding: Finding(
                    state: .failure, about: "files", message: "\(path) can be read by others than its owner.",
                    hint: "sampan doctor --fix, or chmod go= \(path); whoever can log in to this machine may have read it.")
            ) {
                guard chmod(path, wanted) == 0 else { throw SystemError("change the mode of \(path)") }
                return "\(path) is for its owner only again."
            }
        }
    }

    // MARK: What is left over

    /// Files that somebody was writing when they were killed: whole ones have another name.
    private func unfinished() throws -> [Repair] {
        var found: [String] = []
        for folder in [directory, "\(directory)/store", "\(directory)/usage", "\(directory)/pki"] {
            for name in try names(in: folder)
            where name.hasSuffix(".tmp") || name == "store.sqlite.restoring" || name == "keys.json.new" {
                found.append("\(folder)/\(name)")
            }
        }
        for name in try names(in: configuration.backupDirectory)
        where name.hasPrefix(Backup.prefix) && name.hasSuffix(Backup.unfinished) {
            found.append("\(configuration.backupDirectory)/\(name)")
        }
        for name in try names(in: "\(directory)/usage") where name == "current.json.broken" {
            found.append("\(directory)/usage/\(name)")
        }
        return try found.compactMap { path in
            guard let age = try age(path), age > Self.abandoned else { return nil }
            return Repair(
                finding: Finding(
                    state: .warning, about: "files",
                    message: "\(path) was left by something that ended in the midst of it, \(shortDuration(seconds: age)) ago.",
                    hint: "sampan doctor --fix removes it.")
            ) {
                try FileManager.default.removeItem(atPath: path)
                return "\(path) is removed."
            }
        }
    }

    /// The volumes are looked at first: a cluster that is made afterwards isn't among them, and numbers are never used again.
    private func knownClusters() throws -> (StoreInspection, volumes: [Int64])? {
        let store = "\(directory)/store"
        guard FileManager.default.fileExists(atPath: "\(store)/store.sqlite") else { return nil }
        let volumes = try names(in: "\(directory)/volumes").compactMap { Int64($0) }
        return (try StoreInspection(of: store, reads: reads), volumes)
    }

    /// Volumes that were received for a cluster. Whose they are only the server can say: it gives them to the cluster or removes them.
    private func interruptedImports() throws -> [Finding] {
        let folder = "\(directory)/volumes/incoming"
        return try names(in: folder).compactMap { name in
            guard let age = try age("\(folder)/\(name)"), age > Self.abandoned || !isRunning else { return nil }
            return Finding(
                state: .warning, about: "volumes",
                message: "\(folder)/\(name) was received for a cluster whose import or clone was interrupted.",
                hint: "The server completes it or removes it at its next start.")
        }
    }

    private func leakedVolumes(_ volumes: [Int64], living: Set<Int64>) throws -> [Repair] {
        try volumes.filter { !living.contains($0) }.sorted().compactMap { number in
            let path = "\(directory)/volumes/\(number)"
            // Those of a cluster that has just gone are being removed by the server.
            guard let age = try age(path), age > 60 || !isRunning else { return nil }
            return Repair(
                finding: Finding(
                    state: .warning, about: "volumes", message: "\(path) has volumes of a cluster that is gone for good.",
                    hint: "The server removes them at its next start, and sampan doctor --fix now.")
            ) {
                let aside = "\(directory)/volumes/deleted"
                guard mkdir(aside, 0o700) == 0 || errno == EEXIST else { throw SystemError("make \(aside)") }
                let target = "\(aside)/\(number)-\(UInt64.random(in: 0 ... .max))"
                guard rename(path, target) == 0 else {
                    if errno == ENOENT { return "\(path) is gone already." }
                    throw SystemError("rename \(path)")
                }
                try FileManager.default.removeItem(atPath: target)
                return "\(path) is removed."
            }
        }
    }

    private func loose(_ inspection: StoreInspection) -> [Repair] {
        let finding = Finding(
            state: .warning, about: "store",
            message:
                "\(inspection.free >> 20) of the \(inspection.size >> 20) MiB of its file are free; what comes uses them first.",
            hint: "To give them back to the disk: sampan down, sampan doctor --fix, sampan up.")
        return [
            Repair(finding: finding) {
                guard !isRunning else { throw CommandFailure("The store can't be compacted while the server runs.") }
                try Store.compact(directory: "\(directory)/store")
                return "The store's file has \(try StoreInspection(of: "\(directory)/store", reads: false).size >> 20) MiB now."
            }
        ]
    }

    private func names(in folder: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Seconds since it was changed; nil when it has gone.
    private func age(_ path: String) throws -> Double? {
        guard let date = try attributes(path)?[.modificationDate] as? Date else { return nil }
        return now - date.timeIntervalSince1970
    }

    /// Of the path itself, if it is a link; nil when there is none.
    private func attributes(_ path: String) throws -> [FileAttributeKey: Any]? {
        do {
            return try FileManager.default.attributesOfItem(atPath: path)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return nil
        }
    }
}
