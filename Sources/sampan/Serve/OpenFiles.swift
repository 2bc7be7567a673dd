import Foundation
import Logging

/// How many files and connections the process may have open.
enum OpenFiles {
    /// Raises the limit to the most that the system allows: every connection takes one, and shells begin with 1,024.
    static func raiseLimit(logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("The limit on open files couldn't be raised: \(String(cString: strerror(errno)))")
        }
    }
}
