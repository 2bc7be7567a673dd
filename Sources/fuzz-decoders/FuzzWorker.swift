import Foundation
import Glibc

/// Feeds one decoder, in a process that may be killed by what it finds.
struct FuzzWorker {
    let decoder: FuzzedDecoder
    let seed: UInt64
    let inputs: Int
    let progress: String
    /// In MiB.
    let memory: Int

    func run() throws {
        // Past this, allocation fails and the process with it, which the parent tells.
        var limit = rlimit()
        limit.rlim_cur = rlim_t(memory) << 20
        limit.rlim_max = limit.rlim_cur
        guard setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit) == 0 else { throw POSIXError(.EPERM) }
        let file = try ProgressFile(path: progress)
        for index in 0..<inputs {
            file.index = index
            let input = decoder.input(index, seed: seed)
            do throws(BrokenPromise) {
                try decoder.check(input)
            } catch {
                FileHandle.standardError.write(Data("\(decoder.name), input \(index): \(error)\n".utf8))
                throw error
            }
        }
    }
}
