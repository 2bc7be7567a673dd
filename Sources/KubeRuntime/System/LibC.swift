import Glibc

/// Functions of the C library that its Swift module doesn't show. Nil where the library (before glibc 2.34) lacks one.
enum LibC {
    typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    typealias AddChangeDirectory =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
    typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32

    static let addCloseFrom = symbol("posix_spawn_file_actions_addclosefrom_np", as: AddCloseFrom.self)
    static let addChangeDirectory = symbol("posix_spawn_file_actions_addchdir_np", as: AddChangeDirectory.self)
    /// `setns(descriptor, kind)`: moves the calling thread into a namespace.
    static let setNamespace = symbol("setns", as: SetNamespace.self)

    private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
        guard let pointer = dlsym(nil, name) else { return nil }
        return unsafeBitCast(pointer, to: type)
    }
}
