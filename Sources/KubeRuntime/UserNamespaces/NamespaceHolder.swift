import Glibc

/// A process that has a new user namespace, and a network namespace that belongs to it, and does nothing but keep them there.
struct NamespaceHolder {
    private let child: ChildProcess
    /// The end of a pipe; the process ends with it.
    private let lifeline: Int32

    var process: pid_t { child.id }
    var userNamespace: String { "/proc/\(process)/ns/user" }
    var network: String { "/proc/\(process)/ns/net" }

    /// - Parameter range: whose IDs the user namespace has.
    init(_ range: UserRange) throws(EngineError) {
        guard let unshare = Program.find("unshare"), let cat = Program.find("cat") else {
            throw .missing(program: "unshare", package: "util-linux")
        }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw .system(doing: "making", path: "a pipe", errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        lifeline = ends[1]
        defer { close(ends[0]) }
        do throws(EngineError) {
            child = try ChildProcess(unshare, ["--user", "--net", cat], streams: (.descriptor(ends[0]), .nothing))
        } catch {
            close(lifeline)
            throw error
        }
        do {
            try waitForNamespaces()
            // A process that writes here has to be the machine's root, and may do it once.
            try File.writeInPlace(Array(range.mapping.utf8), to: "/proc/\(process)/uid_map", mode: 0o644)
            try File.writeInPlace(Array(range.mapping.utf8), to: "/proc/\(process)/gid_map", mode: 0o644)
        } catch {
            end()
            throw error
        }
    }

    /// What has them too keeps the namespaces.
    func end() {
        close(lifeline)
        kill(process, SIGKILL)
        _ = child.wait()
    }

    private func waitForNamespaces() throws(EngineError) {
        for kind in ["user", "net"] {
            let own = try File.link("/proc/self/ns/\(kind)")
            var waited = 0
            while (try? File.link("/proc/\(process)/ns/\(kind)")) ?? own == own {
                guard waited < 5000, waitpid(process, nil, WNOHANG) == 0 else {
                    throw .system(doing: "making", path: "a \(kind) namespace", errno: EPERM)
                }
                usleep(1000)
                waited += 1
            }
        }
    }
}
