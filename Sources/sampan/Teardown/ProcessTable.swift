import FoundationEssentials
import KubeClient

/// The processes of this machine, out of `/proc`.
enum ProcessTable {
    struct Entry {
        var pid: Int32
        /// Empty for kernel threads.
        var arguments: [String]

        /// The executable's name, without its folder.
        var name: String { arguments.first?.split(separator: "/").last.map(String.init) ?? "" }
    }

    static func all() throws -> [Entry] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            guard let pid = Int32(name) else { return nil }
            do {
                guard let bytes = try AtomicFile.read("/proc/\(pid)/cmdline") else { return nil }
                return Entry(pid: pid, arguments: bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            } catch let error as SystemError where error.number == 3 {
                return nil  // ESRCH: it ended while we looked
            }
        }
    }
}
