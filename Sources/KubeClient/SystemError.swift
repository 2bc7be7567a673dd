import Glibc

/// A failed system call: what was being done, and the kernel's reason.
package struct SystemError: Error, CustomStringConvertible {
    package var doing: String
    package var number: Int32

    /// Reads `errno`, so it must be made right after the call.
    package init(_ doing: String, number: Int32 = errno) {
        self.doing = doing
        self.number = number
    }

    package var description: String { "\(doing): \(String(cString: strerror(number)))" }
}
