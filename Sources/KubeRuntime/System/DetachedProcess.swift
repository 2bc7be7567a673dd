import Glibc

/// Starts programs that outlive this process: own session, no inherited descriptors, output appended to a log file.
enum DetachedProcess {
    /// Returns the process's id. Its end is this process's to reap (`waitpid`), as long as this process lives.
    static func start(_ program: String, arguments: [String], log: String) throws(EngineError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        _ = LibC.addCloseFrom?(&actions, 3)
        _ = LibC.addChangeDirectory?(&actions, "/")

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID (0x80) is not imported into Swift.
        posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var pid = pid_t()
        let vector = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in vector { free(pointer) } }
        let environment = inheritedEnvironment().map { strdup($0) } + [nil]
        defer { for pointer in environment { free(pointer) } }
        let failure = posix_spawn(&pid, program, &actions, &attributes, vector, environment)
        guard failure == 0 else { throw .system(doing: "starting", path: program, errno: failure) }
        return pid
    }

    /// This process's environment, with a PATH in which system programs are found.
    private static func inheritedEnvironment() -> [String] {
        var variables: [String] = []
        var next = environ
        while let pointer = next.pointee {
            let variable = String(cString: pointer)
            if !variable.hasPrefix("PATH=") && !variable.hasPrefix("NOTIFY_SOCKET=") { variables.append(variable) }
            next += 1
        }
        return variables + ["PATH=" + Program.folders.joined(separator: ":")]
    }
}
