import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// How much memory this process has.
enum Memory {
    /// Resident bytes, after the allocator gave back what it can; 0 where the system doesn't say.
    static var resident: Int {
        giveBack()
        guard let statm = FileManager.default.contents(atPath: "/proc/self/statm") else { return 0 }
        let fields = String(decoding: statm, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// Has the allocator return free pages to the system, wherever they are in the heap. It keeps them otherwise, for ever.
    /// Takes some milliseconds for each hundred megabytes.
    static func giveBack() {
        #if canImport(Glibc)
            // The Glibc module doesn't declare `malloc_trim`.
            typealias Trim = @convention(c) (Int) -> Int32
            if let symbol = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(symbol, to: Trim.self)(0) }
        #endif
    }
}
