import Glibc
import KubeClient

/// What the kernel says of a process in `/proc/PID/stat` (proc_pid_stat(5)), as far as it tells whether the process is still there.
struct ProcessStat: Equatable {
    /// One letter: `R`, `S`, ...; `Z` and `X` when it has ended, or when its first thread has.
    var state: Character
    /// How many threads it has; one that has ended and that its parent hasn't asked for yet has one.
    var threads: Int
    /// When it was started, in ticks since the machine was. With its id it names a process for good: ids are used again.
    var start: UInt64

    /// Nil for what isn't such a line. The name of the program, in parentheses, may hold anything.
    init?(_ line: String) {
        guard let name = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: name)...].split(separator: " ")
        // The first here is the third there.
        guard fields.count > 19, let state = fields[0].first, fields[0].count == 1, let threads = Int(fields[17]),
            let start = UInt64(fields[19])
        else { return nil }
        self.state = state
        self.threads = threads
        self.start = start
    }

    /// Nil when there is no such process.
    static func of(_ pid: Int32) throws -> ProcessStat? {
        do {
            return try AtomicFile.read("/proc/\(pid)/stat").flatMap { ProcessStat(String(decoding: $0, as: UTF8.self)) }
        } catch let error as SystemError where error.number == ESRCH {
            return nil  // It went between opening and reading.
        }
    }

    /// Nothing of it runs any more, and no file of it is open.
    var hasEnded: Bool { (state == "Z" || state == "X") && threads <= 1 }
}
