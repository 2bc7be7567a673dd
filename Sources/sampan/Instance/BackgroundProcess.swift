import Glibc
import KubeClient

/// A child that outlives us: its own session, no terminal, its output appended to a file.
struct BackgroundProcess {
    let pid: pid_t

    /// - Parameter log: opened for appending, made when missing.
    static func start(_ executable: String, _ arguments: [String], log: String) throws -> BackgroundProcess {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var defaults = sigset_t()
        var none = sigset_t()
        sigfillset(&defaults)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &none)
        let sessionFlag = Int32(0x80)  // POSIX_SPAWN_SETSID, which the importer doesn't see
        posix_spawnattr_setflags(
            &attributes, Int16(sessionFlag | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)))
        var pid = pid_t()
        let argv = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        let number = posix_spawn(&pid, executable, &actions, &attributes, argv, environ)
        guard number == 0 else { throw SystemError("start \(executable)", number: number) }
        return BackgroundProcess(pid: pid)
    }

    /// How it ended, in words, or nil while it runs.
    func ending() throws -> String? {
        var status: Int32 = 0
        switch waitpid(pid, &status, WNOHANG) {
        case 0: return nil
        case pid:
            let signal = status & 0x7f
            return signal == 0 ? "it exited with code \(status >> 8 & 0xff)" : "it was killed by signal \(signal)"
        default:
            guard errno != EINTR else { return nil }
            throw SystemError("wait for process \(pid)")
        }
    }
}
