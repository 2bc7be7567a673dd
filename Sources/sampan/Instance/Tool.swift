import Subprocess

/// Another program, run to its end.
enum Tool {
    /// Runs `name` from PATH (sbin included) and returns what it printed.
    ///
    /// - Throws: ``CommandFailure`` with what it said on standard error when it fails, or with `missing` when it isn't installed.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], missing: String) async throws -> String {
        let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                .name(name), arguments: Arguments(arguments), environment: .inherit.updating(["PATH": searchPath]),
                output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw CommandFailure("\(name) isn't installed.", hint: missing)
        }
        guard result.terminationStatus.isSuccess else {
            let command = ([name] + arguments).joined(separator: " ")
            let reason = result.standardError.split(separator: "\n").joined(separator: "; ")
            throw CommandFailure("`\(command)` failed: \(reason)")
        }
        return result.standardOutput
    }

    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
