import Foundation

/// What the linker hashed this program to (`NT_GNU_BUILD_ID`): names the build exactly, without the build having to be told anything.
enum BuildID {
    /// In hexadecimal digits; nil when the program has none.
    static func ofThisProgram() -> String? {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/exe"))
            defer { try? file.close() }
            return try find { offset, count in
                guard offset <= UInt64(Int64.max) else { return [] }
                try file.seek(toOffset: offset)
                return try file.read(upToCount: count).map(Array.init) ?? []
            }
        } catch {
            // The version is told without it.
            return nil
        }
    }

    private static let noteSegment: UInt64 = 4
    private static let buildIDNote: UInt64 = 3
    /// Much more than any program's notes take.
    private static let limit: UInt64 = 64 << 10

    /// Looks through a 64-bit, little-endian ELF file.
    /// - Parameter read: gives that many bytes from that offset, or fewer at the file's end.
    static func find(in read: (_ offset: UInt64, _ count: Int) throws -> [UInt8]) throws -> String? {
        let header = try read(0, 64)
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]), header.count == 64 else { return nil }
        let table = number(header, 32, 8)
        let size = number(header, 54, 2)
        let count = number(header, 56, 2)
        guard size >= 56 else { return nil }
        for index in 0..<count {
            let (offset, overflow) = table.addingReportingOverflow(index * size)
            let segment = try read(overflow ? .max : offset, Int(size))
            guard segment.count == Int(size), number(segment, 0, 4) == noteSegment else { continue }
            let length = Int(min(number(segment, 32, 8), limit))
            if let found = buildID(in: try read(number(segment, 8, 8), length)) { return found }
        }
        return nil
    }

    private static func buildID(in notes: [UInt8]) -> String? {
        var rest = notes[...]
        while rest.count >= 12 {
            let (name, size, type) = (Int(number(rest, 0, 4)), Int(number(rest, 4, 4)), number(rest, 8, 4))
            let start = 12 + (name + 3) / 4 * 4
            guard start + size <= rest.count else { return nil }
            let content = rest.dropFirst(start).prefix(size)
            if type == buildIDNote, rest.dropFirst(12).starts(with: Array("GNU\0".utf8)), !content.isEmpty {
                return content.map { String(format: "%02x", $0) }.joined()
            }
            rest = rest.dropFirst(start + (size + 3) / 4 * 4)
        }
        return nil
    }

    private static func number(_ bytes: some Collection<UInt8>, _ offset: Int, _ size: Int) -> UInt64 {
        bytes.dropFirst(offset).prefix(size).enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
    }
}
