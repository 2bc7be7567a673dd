import Glibc

/// The system's message for an error number.
func systemMessage(_ number: Int32) -> String {
    String(cString: strerror(number))
}

/// Files and directories, by system calls: small, exact about modes and owners, and with errors that name the path.
enum File {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// The whole content of a file.
    static func bytes(_ path: String) throws(EngineError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: "reading", path: path, errno: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(doing: "reading", path: path, errno: errno)
            }
            if count == 0 { return content }
            content += buffer[..<count]
        }
    }

    static func text(_ path: String) throws(EngineError) -> String { String(decoding: try bytes(path), as: UTF8.self) }

    /// Copies what can be read once only, such as standard input, piece by piece. Blocks for as long as that comes.
    static func copy(_ source: String, to path: String) throws(EngineError) {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw .system(doing: "opening", path: source, errno: errno) }
        defer { close(input) }
        let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw .system(doing: "creating", path: path, errno: errno) }
        defer { close(output) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(doing: "reading", path: source, errno: errno) }
            guard count > 0 else { return }
            var written = 0
            while written < count {
                let more = piece.withUnsafeBytes { Glibc.write(output, $0.baseAddress?.advanced(by: written), count - written) }
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { throw .system(doing: "writing", path: path, errno: errno) }
                written += more
            }
        }
    }

    /// Writes a file whole or not at all: to a temporary name beside it, then renamed.
    static func write(_ content: some Collection<UInt8>, to path: String, mode: mode_t = 0o644) throws(EngineError) {
        let temporary = "\(path).\(getpid()).new"
        try writeInPlace(content, to: temporary, mode: mode)
        guard rename(temporary, path) == 0 else {
            let failure = errno
            unlink(temporary)
            throw .system(doing: "writing", path: path, errno: failure)
        }
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(EngineError) {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// Writes into the file itself (a new one has exactly `mode`, whatever the umask), for files whose inode is mounted somewhere.
    static func writeInPlace(_ content: some Collection<UInt8>, to path: String, mode: mode_t) throws(EngineError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system(doing: "writing", path: path, errno: errno) }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        var rest = Array(content)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(doing: "writing", path: path, errno: errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes a directory and its parents. An existing one is fine, and keeps its mode.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(EngineError) {
        if mkdir(path, mode) == 0 {
            chmod(path, mode)
            return
        }
        switch errno {
        case EEXIST:
            guard isDirectory(path) else { throw .system(doing: "making the directory", path: path, errno: ENOTDIR) }
        case ENOENT:
            let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            guard !parent.isEmpty, parent != path else { throw .system(doing: "making the directory", path: path, errno: ENOENT) }
            try makeDirectory(parent)
            try makeDirectory(path, mode: mode)
        default:
            throw .system(doing: "making the directory", path: path, errno: errno)
        }
    }

    /// Opened for reading; the caller closes it.
    static func descriptor(_ path: String) throws(EngineError) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: "opening", path: path, errno: errno) }
        return descriptor
    }

    /// Where a symbolic link leads.
    static func link(_ path: String) throws(EngineError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(path, &buffer, buffer.count - 1)
        guard count >= 0 else { throw .system(doing: "reading", path: path, errno: errno) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names in a directory, sorted; none when it can't be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a whole directory, never following a link and never crossing into another file system (a mount stays).
    @discardableResult
    static func removeTree(_ path: String, device: dev_t? = nil) -> Bool {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return errno == ENOENT }
        guard facts.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 }
        if let device, device != facts.st_dev { return false }
        for name in names(in: path) { removeTree("\(path)/\(name)", device: facts.st_dev) }
        return rmdir(path) == 0
    }
}
