/// Why the container engine can't do its work. Each says what to do next.
public enum EngineError: Error, CustomStringConvertible, Equatable {
    /// A program or plugin is not on this machine.
    case missing(program: String, package: String)
    /// The data directory's path is longer than a Unix socket's name may be.
    case pathTooLong(String)
    /// containerd was started, and ended or didn't become ready. The last lines of its log are in `detail`.
    case notReady(log: String, detail: String)
    /// A pod wants users of its own, and the machine or its runtime can't give it any.
    case noUserNamespaces
    /// All ranges of IDs are taken by pods.
    case noUserRange
    /// An operation of the system failed.
    case system(doing: String, path: String, errno: Int32)
    /// A program that we run failed.
    case program(name: String, status: String, output: String)

    public var description: String {
        switch self {
        case .missing(let program, let package):
            "\(program) was not found: install it (Debian: apt-get install \(package))"
        case .pathTooLong(let path):
            "the socket's path \(path) is \(path.utf8.count) bytes, a Unix socket's may have 100: choose a shorter --data-dir"
        case .notReady(let log, let detail):
            "containerd did not become ready (its log: \(log)): \(detail)"
        case .noUserNamespaces: "runtime does not support user namespaces"
        case .noUserRange: "no range of user IDs is free: \(UserRange.count) pods have one"
        case .system(let doing, let path, let errno):
            "\(doing) \(path): \(systemMessage(errno))"
        case .program(let name, let status, let output):
            "\(name) failed (\(status)): \(output)"
        }
    }
}
