import FoundationEssentials
import Glibc
import KubeClient

/// Control groups at the top of every hierarchy, of version 1 (one hierarchy per controller) and version 2 (one for all).
enum ControlGroups {
    private static let root = "/sys/fs/cgroup"

    /// The group called `name` in each hierarchy that has it.
    private static func directories(named name: String) throws -> [String] {
        let hierarchies = try [root] + FileManager.default.contentsOfDirectory(atPath: root).map { "\(root)/\($0)" }
        return hierarchies.map { "\($0)/\(name)" }.filter { access($0, F_OK) == 0 }
    }

    /// The groups at and below `directory`, parents before children.
    private static func tree(_ directory: String) throws -> [String] {
        var all = [directory]
        var next = 0
        while next < all.count {
            let parent = all[next]
            next += 1
            guard let entries = try? FileManager.default.contentsOfDirectory(atPath: parent) else { continue }
            for entry in entries {
                var info = stat()
                let path = "\(parent)/\(entry)"
                if lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR { all.append(path) }
            }
        }
        return all
    }

    /// The processes in the group called `name` and below it.
    static func processes(named name: String) throws -> [Int32] {
        var pids = Set<Int32>()
        for directory in try directories(named: name).flatMap(tree) {
            guard let bytes = try AtomicFile.read(directory + "/cgroup.procs") else { continue }
            pids.formUnion(String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) })
        }
        return pids.sorted()
    }

    /// Removes the group called `name` and those below it, from every hierarchy.
    ///
    /// - Returns: false while a group is still in use; try again a little later.
    static func remove(named name: String) throws -> Bool {
        for directory in try directories(named: name).flatMap(tree).reversed() where rmdir(directory) != 0 {
            guard errno == EBUSY || errno == ENOENT else { throw SystemError("remove \(directory)") }
            if errno == EBUSY { return false }
        }
        return true
    }
}
