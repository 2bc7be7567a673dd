import Glibc

/// Processes of the machine, read from /proc.
enum ProcessTable {
    /// The arguments of a process; empty when it is gone, a zombie, or a kernel thread.
    static func arguments(of pid: pid_t) -> [String] {
        guard let bytes = try? File.bytes("/proc/\(pid)/cmdline"), !bytes.isEmpty else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All processes whose arguments satisfy the condition.
    static func processes(where condition: ([String]) -> Bool) -> [pid_t] {
        File.names(in: "/proc").compactMap { pid_t($0) }.filter { condition(arguments(of: $0)) }
    }

    /// Waits until none of the processes is left, at most `limit`; true when all are gone.
    static func waitForEnd(of pids: [pid_t], limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while true {
            let left = pids.filter { pid in
                waitpid(pid, nil, WNOHANG)  // ours are reaped; others' give ECHILD
                return !arguments(of: pid).isEmpty
            }
            if left.isEmpty { return true }
            if ContinuousClock.now >= end || Task.isCancelled { return false }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
