import Glibc

/// Mounts that show files with other owners than they have: what belongs to 0 belongs to a range's first ID, and so on. Nothing is changed on the
/// disk. Linux 5.12 or later; overlays of them 5.19, tmpfs 6.3.
/// Source: mount_setattr(2), MOUNT_ATTR_IDMAP
enum IDMappedMounts {
    /// Shows `source`, with what is mounted below it, at `place`, which is made: a file for a file, a directory for anything else.
    /// - Parameter users: a descriptor of the user namespace whose IDs are meant.
    static func show(_ source: String, at place: String, users: Int32) throws(EngineError) {
        if File.isDirectory(source) {
            try File.makeDirectory(place, mode: 0o700)
        } else {
            try File.writeInPlace([], to: place, mode: 0o600)
        }
        guard let openTree = LibC.openTree, let setAttributes = LibC.setMountAttributes, let moveMount = LibC.moveMount else {
            throw .system(doing: "translating user IDs for", path: source, errno: ENOSYS)
        }
        // OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE
        let tree = openTree(AT_FDCWD, source, 1 | UInt32(O_CLOEXEC) | 0x8000)
        guard tree >= 0 else { throw .system(doing: "reading", path: source, errno: errno) }
        defer { close(tree) }
        // MOUNT_ATTR_IDMAP; AT_EMPTY_PATH | AT_RECURSIVE
        var attributes = LibC.MountAttributes(set: 0x10_0000, clear: 0, propagation: 0, users: UInt64(users))
        guard setAttributes(tree, "", 0x1000 | 0x8000, &attributes, MemoryLayout.size(ofValue: attributes)) == 0 else {
            throw .system(doing: "translating user IDs for", path: source, errno: errno)
        }
        // MOVE_MOUNT_F_EMPTY_PATH
        guard moveMount(tree, "", AT_FDCWD, place, 4) == 0 else {
            throw .system(doing: "mounting on", path: place, errno: errno)
        }
    }

    /// Tries all that a pod needs, as the only honest test: a directory, a tmpfs, and an overlay.
    static func work(in directory: String) -> Bool {
        let probe = "\(directory)/.users-probe-\(getpid())"
        defer {
            Mounts.unmountAll(below: probe)
            File.removeTree(probe)
        }
        do {
            for part in ["lower", "upper", "work", "merged", "memory"] { try File.makeDirectory("\(probe)/\(part)") }
            let holder = try NamespaceHolder(UserRange(index: 0))
            defer { holder.end() }
            let users = try File.descriptor(holder.userNamespace)
            defer { close(users) }
            try Mounts.tmpfs(at: "\(probe)/memory", size: 65536, mode: 0o755)
            try show("\(probe)/memory", at: "\(probe)/shown-memory", users: users)
            try show("\(probe)/lower", at: "\(probe)/shown-lower", users: users)
        } catch {
            return false
        }
        let options = "lowerdir=\(probe)/shown-lower,upperdir=\(probe)/upper,workdir=\(probe)/work"
        return mount("overlay", "\(probe)/merged", "overlay", 0, options) == 0
    }
}
