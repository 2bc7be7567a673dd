import Glibc
import Subprocess
import SystemPackage

/// Runs the machine's programs.
enum Program {
    static let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// A word for a shell's script, whatever is in it.
    static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// Where a program is, looking in the usual folders (a server's PATH may lack sbin).
    static func find(_ name: String) -> String? {
        folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs a program to its end; throws with what it printed when it fails.
    @discardableResult
    static func run(_ path: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw EngineError.program(
                name: ([path] + arguments).joined(separator: " "), status: "\(result.terminationStatus)",
                output: result.standardError + result.standardOutput)
        }
        return result.standardOutput
    }
}
