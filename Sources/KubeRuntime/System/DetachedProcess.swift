import Glibc

/// Starts programs that outlive this process: own session, no inherited descriptors, output appended to a log file.
enum DetachedProcess {
    /// Returns the process's id. Its end is this process's to reap (`waitpid`), as long as this process lives.
    static func start(_ program: String, arguments: [String], log: String) throws(EngineError) -> pid_t {
        try ChildProcess(
            program, arguments, streams: (.nothing, .log(log)), environment: inheritedEnvironment(), isDetached: true
        ).id
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
