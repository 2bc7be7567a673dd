import Glibc
import KubeClient

/// The server of an instance, seen from outside.
struct ServerProcess {
    let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Asks it to stop, and kills it when it doesn't in time. Returns when nothing of it is left: it lets go of its lock a little sooner
    /// than of its other files.
    ///
    /// - Returns: whether it was running.
    func stop(timeout: Duration) async throws -> Bool {
        guard let pid = try InstanceLock.holder(path: configuration.lockPath) else { return false }
        let started = try ProcessStat.of(pid)?.start
        try signal(pid, SIGTERM)
        var progress = Progress("waiting until the server stops")
        var killed = false
        while try InstanceLock.holder(path: configuration.lockPath) == pid || isThere(pid, started) {
            if !killed && progress.elapsed > timeout {
                Console.note("the server didn't stop in \(timeout.text): killing it")
                try signal(pid, SIGKILL)
                killed = true
            }
            guard progress.elapsed < timeout + .seconds(10) else {
                throw CommandFailure("The server (process \(pid)) can't be killed.", hint: "Look at it with `ps -fp \(pid)`.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    /// Whether the process that was started then is there, and not another one with its id.
    private func isThere(_ pid: Int32, _ started: UInt64?) throws -> Bool {
        guard let stat = try ProcessStat.of(pid), stat.start == started else { return false }
        return !stat.hasEnded
    }

    private func signal(_ pid: Int32, _ number: Int32) throws {
        guard kill(pid, number) == 0 || errno == ESRCH else { throw SystemError("signal the server (process \(pid))") }
    }
}
