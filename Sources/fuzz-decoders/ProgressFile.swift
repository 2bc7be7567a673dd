import Foundation
import Glibc

/// The number of the input that a child process is at, in memory that it shares with its parent: readable even after a crash, and
/// written without a system call.
///
/// `@unchecked Sendable`: one process writes whole aligned words, the other reads them.
final class ProgressFile: @unchecked Sendable {
    let path: String
    private let word: UnsafeMutablePointer<Int>

    init(path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, MemoryLayout<Int>.size) == 0,
            let memory = mmap(nil, MemoryLayout<Int>.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            memory != MAP_FAILED
        else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        word = memory.bindMemory(to: Int.self, capacity: 1)
    }

    deinit { munmap(word, MemoryLayout<Int>.size) }

    static func make() throws -> ProgressFile {
        try ProgressFile(path: FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)").path)
    }

    var index: Int {
        get { word.pointee }
        set { word.pointee = newValue }
    }

    func remove() { unlink(path) }
}
