import Glibc
import KubeObject

/// What containerd's shim calls in the place of `runc create`, by ``UserNamespaceAdapter``.
///
/// It is a process of its own, so it may move between namespaces, and it has runc's input and output, which are the container's.
public enum UserNamespaceRuntime {
    /// The hidden command's name.
    public static let command = UserNamespaceAdapter.command

    /// Prepares the bundle, and has runc make the container. What is mounted for it is mounted for this process alone, and the container has
    /// copies.
    /// - Parameters:
    ///   - runc: the program.
    ///   - place: a directory for mounts, with a directory ``UserNamespaceBundle/root(in:)``: runc looks for that whenever it enters the container.
    ///   - arguments: runc's, with `create` among them.
    /// - Returns: runc's exit status.
    public static func create(runc: String, place: String, arguments: [String]) -> Int32 {
        do {
            guard let bundle = value("--bundle", in: arguments) else { throw Failed("runc was called without --bundle") }
            let holder = try prepare(bundle: bundle, place: place)
            defer { holder?.end() }
            // With this process's input, output and environment.
            return try ChildProcess(runc, arguments).wait() ?? 127
        } catch {
            tell("\(error)", log: value("--log", in: arguments))
            return 1
        }
    }

    private struct Failed: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private static func value(_ option: String, in arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() {
            if argument == option, index + 1 < arguments.count { return arguments[index + 1] }
            if argument.hasPrefix(option + "=") { return String(argument.dropFirst(option.count + 1)) }
        }
        return nil
    }

    /// - Returns: who has the sandbox's new namespaces until runc has made the sandbox.
    private static func prepare(bundle path: String, place: String) throws -> NamespaceHolder? {
        let file = "\(path)/config.json"
        var bundle = try UserNamespaceBundle(JSON(parsing: File.bytes(file)), place: place, options: Mounts.options)
        var holder: NamespaceHolder?
        if let namespace = bundle.userNamespace {
            let map = try File.text(namespace.replacing("/ns/user", with: "/uid_map")).split(whereSeparator: \.isWhitespace)
            guard map == bundle.range.mapping.split(whereSeparator: \.isWhitespace) else {
                throw Failed("the pod's user namespace has other IDs than it was given: the pod must be made anew")
            }
        } else {
            holder = try NamespaceHolder(bundle.range)
        }
        do {
            let namespace = holder?.userNamespace ?? bundle.userNamespace ?? ""
            let users = try File.descriptor(namespace)
            defer { close(users) }
            if let holder {
                bundle.join(userNamespace: namespace)
                try NetworkOwnership.give(bundle.network, to: holder)
            }
            let layers = try takeRoot("\(path)/rootfs")
            try hideMounts(place, bundle.range)
            try mount(layers, users, bundle.range, place: place)
            for item in bundle.shown { try IDMappedMounts.show(item.source, at: item.place, users: users) }
            try File.write(bundle.specification.encoded(), to: file, mode: 0o600)
        } catch {
            holder?.end()
            throw error
        }
        return holder
    }

    /// Unmounts what the engine has mounted as the container's root.
    private static func takeRoot(_ root: String) throws -> OverlayLayers {
        guard let layers = OverlayLayers(in: try File.text("/proc/self/mountinfo"), at: root) else {
            throw Failed("\(root) isn't an overlay")
        }
        guard umount2(root, 0) == 0 || umount2(root, Int32(2)) == 0 else {
            throw EngineError.system(doing: "unmounting", path: root, errno: errno)
        }
        return layers
    }

    /// From here on this thread, and what it starts, has mounts of its own, and a file system in memory for what they are mounted on.
    private static func hideMounts(_ place: String, _ range: UserRange) throws {
        // CLONE_NEWNS; MS_SLAVE | MS_REC
        guard LibC.unshare?(0x2_0000) == 0, Glibc.mount("", "/", "", 1 << 19 | 1 << 14, nil) == 0 else {
            throw EngineError.system(doing: "making", path: "a mount namespace", errno: errno)
        }
        // The container's own root comes here before it has its root, and nobody else does.
        guard Glibc.mount("tmpfs", place, "tmpfs", 0, "mode=700,uid=\(range.base),gid=\(range.base)") == 0 else {
            throw EngineError.system(doing: "mounting a tmpfs on", path: place, errno: errno)
        }
    }

    /// Mounts the container's root: its image's layers show other IDs, and what is written is owned by these.
    private static func mount(_ layers: OverlayLayers, _ users: Int32, _ range: UserRange, place: String) throws {
        for (index, layer) in layers.lower.enumerated() {
            try IDMappedMounts.show(layer, at: "\(place)/l\(index)", users: users)
        }
        try own(layers.upper, range)
        let root = UserNamespaceBundle.root(in: place)
        try File.makeDirectory(root, mode: 0o700)
        // Short names, since all options together have a page.
        let here = open(".", O_RDONLY | O_CLOEXEC)
        guard chdir(place) == 0 else { throw EngineError.system(doing: "going to", path: place, errno: errno) }
        defer {
            fchdir(here)
            close(here)
        }
        let lower = layers.lower.indices.map { "l\($0)" }.joined(separator: ":")
        let options = "lowerdir=\(lower),upperdir=\(layers.upper),workdir=\(layers.work)"
        guard Glibc.mount("overlay", root, "overlay", 0, options) == 0 else {
            throw EngineError.system(doing: "mounting an overlay on", path: root, errno: errno)
        }
    }

    /// Gives what the image's preparation has written, at least the root itself, to the range's users.
    private static func own(_ directory: String, _ range: UserRange) throws {
        var facts = stat()
        guard lstat(directory, &facts) == 0 else { throw EngineError.system(doing: "reading", path: directory, errno: errno) }
        let (user, group) = (Int64(facts.st_uid), Int64(facts.st_gid))
        // Those that are in the range have been given before.
        if user < UserRange.size, group < UserRange.size {
            guard lchown(directory, uid_t(range.base + user), gid_t(range.base + group)) == 0 else {
                throw EngineError.system(doing: "changing the owner of", path: directory, errno: errno)
            }
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            // A change of owner takes these bits away.
            if facts.st_mode & S_IFMT != S_IFLNK { chmod(directory, facts.st_mode & 0o7777) }
            return
        }
        for name in File.names(in: directory) { try own("\(directory)/\(name)", range) }
    }

    /// In runc's words, for the shim to pass on.
    private static func tell(_ message: String, log: String?) {
        let line: JSON = ["level": "error", "msg": .string(message), "time": .string(Timestamp.now())]
        let text = Array((message + "\n").utf8)
        _ = write(2, text, text.count)
        guard let log, let file = fopen(log, "a") else { return }
        defer { fclose(file) }
        fputs(String(decoding: line.encoded(), as: UTF8.self) + "\n", file)
    }
}
