import Glibc

/// A program of the machine that this process has started, and whose end it's to wait for: by `posix_spawn`, for those who need more
/// than ``Program/run(_:_:)``.
struct ChildProcess {
    /// Where a stream leads.
    enum Stream {
        case nothing
        /// One of this process's own, which stays its to close.
        case descriptor(Int32)
        /// A file to which is appended; made if it isn't there, mode 0640.
        case log(String)
    }

    let id: pid_t

    /// - Parameters:
    ///   - streams: its input, and where what it says goes, errors too. With these it has no other descriptor of this process; without, it has
    ///     this process's own streams and whatever isn't closed on exec.
    ///   - environment: this process's own if nil.
    ///   - isDetached: whether it is to outlive this process: in a session of its own, at `/`, with no signal ignored or blocked.
    /// - Throws: when it can't be started.
    init(
        _ program: String, _ arguments: [String], streams: (input: Stream, output: Stream)? = nil, environment: [String]? = nil,
        isDetached: Bool = false
    ) throws(EngineError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let streams {
            Self.lead(0, to: streams.input, &actions)
            Self.lead(1, to: streams.output, &actions)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
            _ = LibC.addCloseFrom?(&actions, 3)
        }
        if isDetached { _ = LibC.addChangeDirectory?(&actions, "/") }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if isDetached { Self.detach(&attributes) }

        let vector = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in vector { free(pointer) } }
        let variables = environment.map { $0.map { strdup($0) } + [nil] }
        defer { for pointer in variables ?? [] { free(pointer) } }
        var id = pid_t()
        let failure =
            if let variables {
                posix_spawn(&id, program, &actions, &attributes, vector, variables)
            } else {
                posix_spawn(&id, program, &actions, &attributes, vector, environ)
            }
        guard failure == 0 else { throw .system(doing: "starting", path: program, errno: failure) }
        self.id = id
    }

    /// Waits for its end.
    /// - Returns: its exit status, and 128 more than the signal's number if it was killed; nil if somebody else has waited for it.
    func wait() -> Int32? {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    private static func lead(_ number: Int32, to stream: Stream, _ actions: inout posix_spawn_file_actions_t) {
        switch stream {
        case .nothing: posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        case .log(let path): posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        }
    }

    private static func detach(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID (0x80) is not imported into Swift.
        posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }
}
