import Glibc

/// Functions of the C library that its Swift module doesn't show. Nil where the library (before glibc 2.34) lacks one.
enum LibC {
    typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    typealias AddChangeDirectory =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
    typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
    typealias Unshare = @convention(c) (Int32) -> Int32
    typealias OpenTree = @convention(c) (Int32, UnsafePointer<CChar>, UInt32) -> Int32
    typealias MoveMount = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    typealias SetMountAttributes =
        @convention(c) (Int32, UnsafePointer<CChar>, UInt32, UnsafeMutableRawPointer, Int) -> Int32

    /// The kernel's `struct mount_attr`.
    struct MountAttributes {
        var set, clear, propagation, users: UInt64
    }

    static let addCloseFrom = symbol("posix_spawn_file_actions_addclosefrom_np", as: AddCloseFrom.self)
    static let addChangeDirectory = symbol("posix_spawn_file_actions_addchdir_np", as: AddChangeDirectory.self)
    /// `setns(descriptor, kind)`: moves the calling thread into a namespace.
    static let setNamespace = symbol("setns", as: SetNamespace.self)

    typealias ListAttributes = @convention(c) (Int32, UnsafeMutablePointer<CChar>?, Int) -> Int
    typealias GetAttribute = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    typealias SetAttribute = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeRawPointer?, Int, Int32) -> Int32
    typealias SyncFileSystem = @convention(c) (Int32) -> Int32

    /// `flistxattr`, `fgetxattr`, `fsetxattr`: extended attributes of an open file.
    static let listAttributes = symbol("flistxattr", as: ListAttributes.self)
    static let getAttribute = symbol("fgetxattr", as: GetAttribute.self)
    static let setAttribute = symbol("fsetxattr", as: SetAttribute.self)
    /// `syncfs(descriptor)`: makes a whole file system durable.
    static let syncFileSystem = symbol("syncfs", as: SyncFileSystem.self)
    /// `unshare(kinds)`: gives the calling thread namespaces of its own.
    static let unshare = symbol("unshare", as: Unshare.self)
    /// These three: glibc 2.36 or later.
    static let openTree = symbol("open_tree", as: OpenTree.self)
    static let moveMount = symbol("move_mount", as: MoveMount.self)
    static let setMountAttributes = symbol("mount_setattr", as: SetMountAttributes.self)

    private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
        guard let pointer = dlsym(nil, name) else { return nil }
        return unsafeBitCast(pointer, to: type)
    }
}
