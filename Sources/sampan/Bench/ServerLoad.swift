import Glibc
import KubeClient

/// What the processes of the measured server use, as the kernel counts it (proc(5)).
///
/// Latencies on a machine that client and server share say as much about the client; the server's own processor time doesn't.
struct ServerLoad {
    let processes: [Int32]

    var isKnown: Bool { !processes.isEmpty }

    /// Processor time since their start, in milliseconds, to the kernel's tick of 10.
    func processorMilliseconds() throws -> Double {
        try processes.reduce(0) { sum, process in
            let text = String(decoding: try AtomicFile.read("/proc/\(process)/stat") ?? [], as: UTF8.self)
            // The second field, the program's name in parentheses, may hold anything but is followed by the last one.
            let fields = text.drop { $0 != ")" }.split(separator: " ")
            guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { throw ended(process) }
            return sum + (user + system) * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// Resident memory, in kilobytes.
    func residentKilobytes() throws -> Int64 { try sum(of: "VmRSS:") }

    /// The most resident memory since ``forgetPeak()``, in kilobytes.
    func peakKilobytes() throws -> Int64 { try sum(of: "VmHWM:") }

    /// Lets the peak begin anew at what is resident now.
    func forgetPeak() throws {
        for process in processes {
            let path = "/proc/\(process)/clear_refs"
            let descriptor = open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw ended(process) }
            defer { close(descriptor) }
            guard write(descriptor, "5", 1) == 1 else { throw CommandFailure("Writing \(path) failed: \(errno).") }
        }
    }

    private func sum(of label: String) throws -> Int64 {
        try processes.reduce(0) { sum, process in
            let text = String(decoding: try AtomicFile.read("/proc/\(process)/status") ?? [], as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix(label) }
            guard let kilobytes = line.flatMap({ Int64($0.filter(\.isNumber)) }) else { throw ended(process) }
            return sum + kilobytes
        }
    }

    private func ended(_ process: Int32) -> CommandFailure {
        CommandFailure("Process \(process) can't be looked at.", hint: "Name processes that live as long as the measurement.")
    }
}
