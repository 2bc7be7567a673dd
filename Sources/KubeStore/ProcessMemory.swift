import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// How much memory this process has. Zero where the system doesn't say.
public enum ProcessMemory {
    /// Resident bytes.
    public static var resident: Int {
        guard let statm = FileManager.default.contents(atPath: "/proc/self/statm") else { return 0 }
        let fields = String(decoding: statm, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// Bytes that the allocator has handed out: what is in use, without what lies free between it. Takes about a millisecond.
    public static var allocated: Int {
        #if canImport(Glibc)
            // The Glibc module doesn't declare `malloc_info`. What it writes is described in malloc_info(3); the sums over all arenas
            // come last.
            typealias Info = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
            guard let symbol = dlsym(nil, "malloc_info") else { return 0 }
            var text: UnsafeMutablePointer<CChar>?
            var count = 0
            guard let file = open_memstream(&text, &count) else { return 0 }
            let status = unsafeBitCast(symbol, to: Info.self)(0, file)
            fclose(file)
            defer { free(text) }
            guard status == 0, let text else { return 0 }
            return allocated(in: String(cString: text))
        #else
            return 0
        #endif
    }

    static func allocated(in info: String) -> Int {
        let sums = info.components(separatedBy: "</heap>").last ?? ""
        func size(_ element: String) -> Int {
            guard let start = sums.range(of: "<\(element)")?.upperBound, let end = sums[start...].firstIndex(of: ">"),
                let size = sums[start..<end].components(separatedBy: "size=\"").last
            else { return 0 }
            return Int(size.prefix { $0.isNumber }) ?? 0
        }
        return size("system type=\"current\"") - size("total type=\"fast\"") - size("total type=\"rest\"")
            + size("total type=\"mmap\"")
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
